//! `restore`: gets logs back from a store, by set, machine and time, as the text that they were.
//!
//! What to get, the manifests say; what is got is compared with them before it has a name here, or before a byte of it is written to
//! standard output. Nothing here is ever replaced.

mod chosen;
mod folder;
mod place;
mod print;
mod selection;
mod sorted;
mod texts;
mod thaw;
mod wanted;
mod write;

use self::chosen::Chosen;
pub use self::{
    chosen::Source,
    folder::Folder,
    thaw::Thaw,
    wanted::{Moment, Wanted},
};
use crate::{failure::Result, report::Report, run::Run, tool::Change};

/// Logs of a store, brought here.
pub struct Restore {
    /// Which logs, of which store.
    pub from: Source,
    /// Where to.
    pub to: To,
}

/// Where logs come to.
pub enum To {
    /// Each into a file of its own.
    Folder(Folder),
    /// Standard output, one after the other.
    Out,
}

impl Change for Restore {
    type Plan = Chosen;

    fn schema(&self) -> &'static str {
        "opsbelt.logs.restore/1"
    }

    fn job(&self) -> &'static str {
        "restore"
    }

    fn plan(&self, run: &Run) -> Result<Chosen> {
        // Before anything is read, and before anything is asked for that costs something.
        if let To::Folder(folder) = &self.to {
            folder.target()?;
        }
        self.from.choose(run)
    }

    fn show(&self, _: &Run, chosen: &Chosen) -> Report {
        match &self.to {
            To::Folder(folder) => folder.show(chosen),
            To::Out => print::show(chosen),
        }
    }

    fn carry_out(&self, run: &Run, chosen: Chosen) -> Result<Report> {
        match &self.to {
            To::Folder(folder) => folder.fill(run, &chosen, self.from.parallel),
            To::Out => print::print(run, &chosen),
        }
    }
}
