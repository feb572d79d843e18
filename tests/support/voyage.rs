//! What of an archive's way into a store would survive a power cut at each moment of a traced run, and what must.
//!
//! Grants the least that any file system grants, as `durable.rs` does: data is on the disk after a sync of that file, a name after a
//! sync of its folder. It believes no sync that strace answered.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::trace::{Act, Trace};

/// What a file is on that way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Copy,
    Ticket,
    Object,
    Memory,
    Segment,
    Receipt,
    Ledger,
}

/// A run's part of the way.
#[derive(Debug, Default)]
pub struct Voyage {
    /// Names whose file has data that is not on the disk.
    dirty: BTreeSet<PathBuf>,
    /// Names whose last change is not on the disk.
    unsettled: BTreeSet<PathBuf>,
    /// Syncs that found nothing to do.
    pub idle: BTreeSet<(String, usize)>,
    /// Rules that were broken, with the call that broke them.
    pub broken: Vec<String>,
}

impl Voyage {
    /// Judges a run.
    pub fn judge(trace: &Trace) -> Voyage {
        let mut voyage = Voyage::default();
        for call in trace.calls.iter().filter(|call| call.worked()) {
            let Some(act) = call.act() else { continue };
            voyage.check(&call.shown(), &act);
            if matches!(&act, Act::SyncFile(path) if voyage.is_idle(path)) {
                voyage.idle.insert((call.name.clone(), call.rank));
            }
            voyage.happen(act);
        }
        for what in [What::Ticket, What::Receipt, What::Memory] {
            voyage.must(what, "the end of the run");
        }
        voyage
    }

    /// The rules: what an act relies on must be on the disk before it.
    fn check(&mut self, shown: &str, act: &Act) {
        match act {
            Act::Rename { from, to } => {
                let Some(what) = what(to) else { return };
                if self.dirty.contains(from) {
                    self.broken.push(format!("the content of the {what:?} is not on the disk at {shown}"));
                }
                let relied: &[What] = match what {
                    What::Ticket => &[What::Copy],
                    What::Memory => &[What::Object, What::Segment, What::Receipt],
                    What::Segment => &[What::Memory, What::Object],
                    What::Receipt => &[What::Segment, What::Object],
                    What::Copy | What::Object | What::Ledger => &[],
                };
                for what in relied {
                    self.must(*what, shown);
                }
            }
            Act::Write { path, bytes } if what(path) == Some(What::Ledger) && bytes.contains(r#"\"line\":\"shipped\""#) => {
                self.must(What::Object, shown);
                self.must(What::Segment, shown);
            }
            Act::Remove(path) => match what(path) {
                Some(What::Ticket) => self.must(What::Ledger, shown),
                Some(What::Copy) => self.must(What::Ticket, shown),
                _ => {}
            },
            _ => {}
        }
    }

    /// All of that kind must be on the disk, under their names.
    fn must(&mut self, kind: What, call: &str) {
        let data = self.dirty.iter().any(|path| what(path) == Some(kind));
        // Where a folder above is not on the disk, nothing in it is.
        let name = self.unsettled.iter().any(|path| what(path) == Some(kind) || leads_to(path, kind));
        if data || name {
            self.broken.push(format!("a {kind:?} is not on the disk at {call}"));
        }
    }

    fn happen(&mut self, act: Act) {
        match act {
            Act::Create(path) | Act::MakeFolder(path) => drop(self.unsettled.insert(path)),
            Act::Write { path, .. } | Act::Resize(path) => drop(self.dirty.insert(path)),
            Act::Rename { from, to } => {
                if self.dirty.remove(&from) {
                    self.dirty.insert(to.clone());
                }
                self.unsettled.extend([from, to]);
            }
            Act::Remove(path) => {
                self.dirty.remove(&path);
                // A receipt that is still there after a power cut is swept again.
                if what(&path) == Some(What::Receipt) {
                    self.unsettled.remove(&path);
                } else {
                    self.unsettled.insert(path);
                }
            }
            Act::SyncFile(path) => {
                self.dirty.remove(&path);
                self.unsettled.retain(|name| name.parent() != Some(&path));
            }
            Act::SyncAll(_) => {
                self.dirty.clear();
                self.unsettled.clear();
            }
            _ => {}
        }
    }

    fn is_idle(&self, path: &Path) -> bool {
        !self.dirty.contains(path) && !self.unsettled.iter().any(|name| name.parent() == Some(path))
    }
}

/// What bears that name, when it is there.
fn what(path: &Path) -> Option<What> {
    let name = path.file_name()?.to_str()?;
    let ends = |end: &str| path.extension().is_some_and(|known| known == end);
    let below = |folder: &str| path.to_str().is_some_and(|path| path.contains(folder));
    match () {
        () if name.starts_with('.') || ends("new") => None,
        () if below("/spool/ready/") && ends("data") => Some(What::Copy),
        () if below("/spool/ready/") && ends("json") => Some(What::Ticket),
        () if name.starts_with("chain-") && ends("json") => Some(What::Memory),
        () if below("/spool/receipts/") && ends("json") => Some(What::Receipt),
        () if below("/store/_opsbelt/") && ends("json") => Some(What::Segment),
        () if below("/store/logs/") && name.contains(".log.") => Some(What::Object),
        () if name == "ledger.jsonl" => Some(What::Ledger),
        () => None,
    }
}

/// Whether a folder of that name is one on the way to such a file.
fn leads_to(path: &Path, kind: What) -> bool {
    let part = |name: &str| path.components().any(|part| part.as_os_str() == name);
    let folder = path.extension().is_none();
    match kind {
        What::Copy | What::Ticket => folder && part("spool") && !part("receipts"),
        What::Receipt | What::Memory => folder && (part("receipts") || path.ends_with("spool")),
        What::Object => folder && part("store") && part("logs") && what(path).is_none(),
        What::Segment => folder && part("store") && part("_opsbelt"),
        What::Ledger => false,
    }
}
