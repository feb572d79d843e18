//! What is not as the manifests said when they were listed. A store in use goes on while it is proven, and that may take days: so nothing of it is
//! told before what was said since is read, too, once; and not as a fault where not all of that could be read.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Expected, pruned};
use crate::{
    failure::Result,
    report::{Finding, Incomplete, Report, Severity, Size, count},
    store::{Key, Name},
    tools::logs::{
        manifest::{
            links::{Links, danger},
            stored::{self, Asking, Reading},
            tombs::{Tomb, Tombs},
        },
        parcel::key,
    },
};

/// What is to be told unless somebody said since why it is so.
#[derive(Default)]
pub(super) struct Doubts<'a> {
    /// Named, and not there.
    pub(super) missing: Vec<&'a Expected>,
    /// Named, and there is another one, and in what it differs.
    pub(super) other: Vec<(&'a Expected, String)>,
    /// There, with its size, and not named.
    pub(super) unknown: BTreeMap<String, u64>,
    /// Whether something could not be read that may say why.
    pub(super) unread: bool,
}

impl Doubts<'_> {
    /// Looks for what no manifest names, or what one says was taken out of the store.
    pub(super) fn strangers(&mut self, asking: Asking, objects: &[Expected]) -> Result<()> {
        let named: HashSet<&str> = objects.iter().map(|expected| expected.object.key.as_str()).collect();
        let logs = Key::new(key::LOGS).expect("it is one");
        asking.store.walk(&logs, &mut |name, size| {
            let name = match &name {
                Name::Key(key) => key.as_str(),
                Name::Other(other) => other,
            };
            if !named.contains(name) {
                self.unknown.insert(name.to_owned(), size);
            }
            asking.goes_on()
        })
    }

    /// Reads what was said since, where anything depends on it, and tells what is left.
    pub(super) fn settle(mut self, asking: Asking, last: &BTreeMap<String, u64>, pruned: &mut Vec<Tomb>, report: &mut Report) {
        if self.missing.is_empty() && self.other.is_empty() && self.unknown.is_empty() {
            return;
        }
        let mut tombs = Tombs::default();
        if let Err(failure) = self.said_since(asking, last, &mut tombs) {
            report.incomplete.push((&failure).into());
            self.unread = true;
        }
        self.tell_unknown(pruned, report);
        let tomb = |Expected { host, segment, object }: &Expected| tombs.of(host, &object.key, *segment).cloned();
        let mut missing = 0;
        for expected in self.missing {
            match tomb(expected) {
                Some(tomb) => pruned.push(tomb),
                None if self.unread => missing += 1,
                None => {
                    let message = "it is named in the manifest and not there".to_owned();
                    report.findings.push(danger("logs.object-missing", &expected.object.key, message));
                }
            }
        }
        untold(missing, "not there", report);
        for (expected, why) in self.other {
            match tomb(expected) {
                Some(tomb) => pruned.push(tomb),
                None => report.findings.push(danger("logs.object-differs", &expected.object.key, why)),
            }
        }
    }

    /// All that the machines said after these segments; what they name is not unknown any more.
    fn said_since(&mut self, asking: Asking, last: &BTreeMap<String, u64>, tombs: &mut Tombs) -> Result<()> {
        if !asking.is_going_on() {
            self.unread = true;
            return Ok(());
        }
        let mut since = stored::of(asking, &[])?;
        for (folder, segments) in &mut since {
            if let Some(last) = last.get(folder) {
                *segments = segments.split_off(&(last + 1));
            }
        }
        let reading = Reading::of(asking, &since);
        for segments in since.into_values() {
            // Whether they are a chain is told to whoever verifies next.
            let mut troubles = Report::default();
            let Some(links) = Links::read(&reading, segments, &mut troubles) else {
                self.unread = true;
                break;
            };
            self.unread |= !troubles.incomplete.is_empty();
            tombs.add(links.host.as_deref().unwrap_or_default(), &links.removed);
            for (_, object) in &links.objects {
                self.unknown.remove(&object.key);
            }
        }
        Ok(())
    }

    /// What a machine is just shipping is not named yet.
    fn tell_unknown(&self, pruned: &[Tomb], report: &mut Report) {
        let buried: HashMap<&str, &Tomb> = pruned.iter().map(|tomb| (tomb.removed.key.as_str(), tomb)).collect();
        let mut unknown = 0;
        for (name, size) in &self.unknown {
            if let Some(tomb) = buried.get(name.as_str()) {
                report.findings.push(pruned::unfinished(tomb));
            } else if self.unread {
                unknown += 1;
            } else {
                let message = format!("no manifest names it ({})", Size(*size));
                let finding = Finding::new("logs.object-unknown", Severity::Warning, name.clone(), message);
                let hint = "somebody put it there, or a machine is just shipping it: look again after its next run";
                report.findings.push(finding.hint(hint));
            }
        }
        untold(unknown, "there and not named", report);
    }
}

/// So many objects are neither sound nor, for all that is known, anybody's fault.
fn untold(objects: u64, how: &str, report: &mut Report) {
    if objects > 0 {
        let verb = if objects == 1 { "is" } else { "are" };
        let why = format!("{} {verb} {how}, and not every manifest could be read that may say why", count(objects, "object"));
        report.incomplete.push(Incomplete::new("the objects", why));
    }
}
