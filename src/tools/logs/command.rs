//! What can be typed after `ops-logs`. Knows no more of it than that it can be read.

mod examples;

use std::{io::ErrorKind, path::PathBuf, time::Duration};

use clap::{Subcommand, builder::NonEmptyStringValueParser};

use super::{
    drain,
    policy::Job,
    restore::Moment,
    rotate::hand::{self, HandInFolder},
    settings::{LogSet, Method},
    sql::Engine,
    survey::Survey,
};
use crate::{
    aws::reach::Reach,
    failure::{Exit, Failure, Result, plain},
    settings::units::{Bytes, Span},
    store::{Address, Tier},
};

/// What `ops-logs` can do.
#[derive(Subcommand)]
pub enum Command {
    /// What is true of this machine's logs; reads only, needs no settings and no root
    #[command(after_help = examples::SURVEY)]
    Survey {
        /// Which folders.
        #[command(flatten)]
        view: View,
        /// How many rows and findings of a kind to show
        #[arg(long, value_name = "N", default_value_t = Survey::TOP)]
        top: usize,
    },
    /// Propose settings from what a survey finds
    #[command(after_help = examples::INIT)]
    Init {
        /// Which folders.
        #[command(flatten)]
        view: View,
        /// Write to this file, which must not exist, instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// List the stanzas that come with the tool, or show one
    #[command(after_help = examples::PRESETS)]
    Presets {
        /// The preset to show
        name: Option<String>,
    },
    /// Show what `rotate` would do and why, and do nothing
    #[command(after_help = examples::PLAN)]
    Plan {
        /// Which sets.
        #[command(flatten)]
        choice: Choice,
        /// As if every log that is not empty were due; means nothing for one that is collected
        #[arg(long)]
        force: bool,
    },
    /// Rotate what is due, archive it, and remove what no keep-rule wants
    #[command(after_help = examples::ROTATE)]
    Rotate {
        /// Which sets.
        #[command(flatten)]
        choice: Choice,
        /// Rotate every log that is not empty, due or not; means nothing for one that is collected
        #[arg(long)]
        force: bool,
        /// Rotate no log; only finish what was begun, hand it over, take back what the store has, and remove
        #[arg(long, conflicts_with = "force")]
        finish: bool,
        /// Remove no archive, whatever the keep-rules say, but where free space (`min-free`) is wanting
        #[arg(long)]
        keep_all: bool,
    },
    /// Before the machine goes: rotate all that is to go to the store, ship it, and name what could not be shipped
    #[command(after_help = examples::DRAIN)]
    Drain {
        /// How long all of it may take
        #[arg(long, value_name = "TIME", default_value = "90s", value_parser = drain::deadline)]
        deadline: Duration,
        /// Send so many bytes a second at most, instead of what the settings say: `10MiB`
        #[arg(long, value_name = "BYTES")]
        bandwidth: Option<Bytes>,
        /// How.
        #[command(flatten)]
        reach: Reach,
    },
    /// Put what waits for the store there, and sign for it; removes nothing
    #[command(after_help = examples::SHIP)]
    Ship {
        /// Send so many bytes a second at most, instead of what the settings say: `10MiB`
        #[arg(long, value_name = "BYTES")]
        bandwidth: Option<Bytes>,
        /// How.
        #[command(flatten)]
        reach: Reach,
    },
    /// For sets that ship without an archive here (`ship = "direct"`): put rotated logs into the store, compressed on their way, and remove
    /// each once the store has it
    #[command(after_help = examples::DIRECT)]
    Direct {
        /// Send so many bytes a second at most, instead of what the settings say: `10MiB`
        #[arg(long, value_name = "BYTES")]
        bandwidth: Option<Bytes>,
        /// How.
        #[command(flatten)]
        reach: Reach,
    },
    /// Show which objects of the store no rule (`store-keep`) wants there any more, and why; with --apply, remove them
    #[command(after_help = examples::PRUNE)]
    Prune {
        /// Which sets.
        #[command(flatten)]
        choice: Choice,
        /// Objects of this machine instead of this one's own, say of one that is gone; may be given several times
        #[arg(long = "host", value_name = "HOST", value_parser = NonEmptyStringValueParser::new())]
        hosts: Vec<String>,
        /// Of this store instead of that of the settings
        #[arg(long, value_name = "URL")]
        store: Option<Address>,
        /// Remove them; each is named in this machine's manifest first
        #[arg(long)]
        apply: bool,
        /// How.
        #[command(flatten)]
        reach: Reach,
    },
    /// Get logs back from the store, as the text that they were
    #[command(after_help = examples::RESTORE)]
    Restore {
        /// Sets, or services as the store calls them; all of them when left out
        #[arg(value_name = "SET")]
        sets: Vec<String>,
        /// Only of this machine; may be given several times
        #[arg(long = "host", value_name = "HOST", value_parser = NonEmptyStringValueParser::new())]
        hosts: Vec<String>,
        /// Only archives with a line from then on, each whole: `2026-11-21` (its first moment in UTC), `2026-11-21T03:00:00Z`, or `2h` (so long ago)
        #[arg(long, value_name = "TIME")]
        since: Option<Moment>,
        /// Only archives with a line until then
        #[arg(long, value_name = "TIME")]
        until: Option<Moment>,
        /// From this store instead of that of the settings
        #[arg(long, value_name = "URL")]
        store: Option<Address>,
        /// Into this folder, which must be there; `-`: to standard output, one after the other
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
        /// How fast what is in Glacier is brought back, when it comes into a folder
        #[arg(long, value_name = "TIER", default_value = "standard")]
        tier: Tier,
        /// For how many days it can be read then
        #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..))]
        days: u16,
        /// How.
        #[command(flatten)]
        reach: Reach,
    },
    /// Each log's size, last and next rotation, archives and problems
    #[command(after_help = examples::STATUS)]
    Status {
        /// Which sets.
        #[command(flatten)]
        choice: Choice,
    },
    /// Decompress every archive and compare it with what was recorded when it was made; or prove a store, given by its URL
    #[command(after_help = examples::VERIFY)]
    Verify {
        /// Which sets.
        #[command(flatten)]
        choice: Choice,
        /// Of a store: only what this machine put there; may be given several times
        #[arg(long = "host", value_name = "HOST", value_parser = NonEmptyStringValueParser::new())]
        hosts: Vec<String>,
        /// Of a store: compare the sizes of objects, and read none
        #[arg(long)]
        quick: bool,
        /// Of a store: how manifests end was signed with the key whose public half is in this file (PEM or DER), instead of `sign-key` of
        /// the settings, and KMS is not asked; may be given several times
        #[arg(long = "public-key", value_name = "FILE")]
        public_keys: Vec<PathBuf>,
        /// Of a store: ask for a person where the end of a manifest was signed longer ago: `26h`
        #[arg(long, value_name = "TIME")]
        fresh: Option<Span>,
        /// How.
        #[command(flatten)]
        reach: Reach,
    },
    /// The rights that a command needs on the bucket of the settings, and no other, as a document of IAM
    #[command(after_help = examples::POLICY)]
    IamPolicy {
        /// The command; all that talk to the store when left out
        #[arg(value_name = "COMMAND")]
        command: Option<Job>,
    },
    /// Print what makes a table of the store in another engine, one row for each line
    #[command(after_help = examples::SQL)]
    Sql {
        /// Which engine
        engine: Engine,
        /// Of this store instead of that of the settings
        #[arg(long, value_name = "URL")]
        store: Option<Address>,
    },
    /// Works in one folder for a parent that has more rights
    #[command(name = hand::SUBCOMMAND, hide = true)]
    HandInFolder(HandInFolder),
}

/// What a survey looks at.
#[derive(clap::Args)]
pub struct View {
    /// Look here instead of in /var/log, /opt, /srv and /home; may be given several times
    #[arg(long = "root", value_name = "FOLDER")]
    roots: Vec<PathBuf>,
}

impl View {
    pub(super) fn survey(self) -> Result<Survey> {
        let usual = Survey::default();
        // The usual folders need not be there; one that somebody typed must be.
        let named: Vec<PathBuf> = self.roots.iter().map(folder).collect::<Result<_>>()?;
        let roots = if named.is_empty() { usual.roots.clone() } else { named };
        Ok(Survey { roots, ..usual })
    }
}

/// The whole path of a folder that was typed.
fn folder(typed: &PathBuf) -> Result<PathBuf> {
    let refuse = |why: &str| Failure::new("look into", typed.display()).because(why).exit(Exit::BadInput);
    match std::fs::metadata(typed) {
        Ok(found) if !found.is_dir() => Err(refuse("it is no folder")),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(refuse("there is no such folder")),
        // What else is wrong with it, the survey tells.
        _ => std::path::absolute(typed).map_err(|error| refuse(&plain(&error))),
    }
}

/// Which sets a command is about.
#[derive(Default, clap::Args)]
pub struct Choice {
    /// Names of sets; all of them when left out
    #[arg(value_name = "SET")]
    pub(super) sets: Vec<String>,
    /// Only sets with one of these methods; several joined by commas
    #[arg(long = "method", value_name = "METHOD", value_delimiter = ',')]
    methods: Vec<Method>,
}

impl Choice {
    pub(super) fn means(&self, set: &LogSet) -> bool {
        (self.sets.is_empty() || self.sets.contains(&set.name)) && (self.methods.is_empty() || self.methods.contains(&set.method))
    }

    /// Whether it is a store that was typed.
    pub(super) fn is_a_store(&self) -> bool {
        self.sets.iter().any(|name| name.contains("://"))
    }

    pub(super) fn store(&self) -> Result<Address> {
        let refuse = |why: String| Failure::new("verify", self.sets.join(" ")).because(why).exit(Exit::BadInput);
        match &self.sets[..] {
            [url] if self.methods.is_empty() => url.parse().map_err(refuse),
            _ => Err(refuse("a store is proven by itself, without sets and methods".to_owned())),
        }
    }

    pub(super) fn is_of_all(&self) -> bool {
        self.sets.is_empty() && self.methods.is_empty()
    }
}
