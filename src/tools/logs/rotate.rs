//! `rotate` and `plan`: facts -> plan -> carry out. The only command that alters logs.

mod apply;
pub mod facts;
pub mod hand;
pub mod plan;
pub(in crate::tools::logs) mod show;
mod tell;
pub mod waiting;

use std::{collections::HashSet, path::PathBuf};

pub(in crate::tools::logs) use self::apply::Hands;
use self::plan::company::Company;
use crate::{
    failure::Result,
    files::compress::Compression,
    report::Report,
    run::Run,
    tool::Change,
    tools::logs::{
        cost::Tariff,
        heirs::Heirs,
        ledger::{Entry, Ledger, Packed},
        settings::LogSet,
        spool::Spool,
    },
};

/// One rotation of the chosen sets.
pub struct Rotate {
    /// What to rotate, and how.
    pub sets: Vec<LogSet>,
    /// Names of sets that were not chosen: what they began waits for a run that knows how they want it.
    pub others: HashSet<String>,
    /// Who inherits the archives of sets that are gone.
    pub heirs: Heirs,
    /// Which logs are rotated now.
    pub begins: Begins,
    /// Whether archives stay whatever the rules say, but for want of free space.
    pub keeps_all: bool,
    /// Where logrotate's configuration is, when it is to be asked.
    pub logrotate: Option<PathBuf>,
    /// Files compressed at the same time.
    pub parallel: usize,
    /// This machine's name.
    pub host: String,
    /// Where archives go for good, when there is such a place.
    pub shipping: Option<Shipping>,
}

/// Which logs a run begins to rotate. What was begun is always finished, and what a writer finished always collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begins {
    /// Those that a rule of their set says are due.
    #[default]
    Due,
    /// All that are not empty.
    All,
    /// None.
    Nothing,
}

/// What a rotation needs to know of the store: it never talks to it.
pub struct Shipping {
    /// Which store.
    pub store: String,
    /// Where archives are handed over.
    pub spool: Spool,
    /// So many bytes may wait there.
    pub most: u64,
    /// How small archives wait for company; None: they do not.
    pub company: Option<Company>,
    /// What the store costs, where that is known.
    pub tariff: Option<Tariff>,
}

impl Rotate {
    /// The names of the chosen sets.
    fn chosen(&self) -> HashSet<&str> {
        self.sets.iter().map(|set| set.name.as_str()).collect()
    }

    /// How `entry` is archived: as its writer compressed it, or as its set says.
    pub fn form(&self, entry: &Entry) -> Compression {
        match entry.packed().map_or_else(|| self.compression(&entry.set), Packed::how) {
            // The set was another one when it was collected. One more name for its writer's file is no archive.
            Compression::None if entry.taken.is_some() => Compression::default(),
            how => how,
        }
    }

    /// Whether its rotated file itself becomes the archive: not compressed, and not wanted elsewhere.
    pub fn stays(&self, entry: &Entry) -> bool {
        self.form(entry) == Compression::None && entry.archives.is_none() && entry.cut.is_none()
    }

    /// How logs of that set are compressed: as the set says today, or by default when it is gone.
    fn compression(&self, set: &str) -> Compression {
        self.sets.iter().find(|known| known.name == set).map_or_else(Compression::default, |set| set.compress)
    }
}

impl Change for Rotate {
    type Plan = (Ledger, plan::Plan);

    fn schema(&self) -> &'static str {
        "opsbelt.logs.rotate/1"
    }

    fn job(&self) -> &'static str {
        "rotate"
    }

    /// Nothing locks out a run while somebody only asks: what it archives between our look at the ledger and our look
    /// at the folders would seem lost. So both must be of one moment.
    fn plan(&self, run: &Run) -> Result<Self::Plan> {
        const TRIES: usize = 5;
        let mut tries = 0;
        loop {
            let mut ledger = Ledger::read(run.state.folder()?, &self.host)?;
            self.heirs.settle(&mut ledger);
            let world = facts::gather(self, &ledger, run.clock.now());
            tries += 1;
            if tries == TRIES || ledger.is_current() {
                let plan = plan::decide(self, ledger.content(), world);
                return Ok((ledger, plan));
            }
        }
    }

    fn show(&self, run: &Run, (ledger, plan): &Self::Plan) -> Report {
        show::planned(run, self, ledger, plan)
    }

    fn carry_out(&self, run: &Run, (ledger, plan): Self::Plan) -> Result<Report> {
        apply::carry_out(run, self, ledger, &plan)
    }
}
