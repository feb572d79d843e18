//! What a person should look at, decided from the facts alone. Says what was seen and what is measured;
//! what is not known is never said to be safe.

use std::path::Path;

use chrono::TimeDelta;

use super::{
    facts::{ArchiveState, Facts, Leftover},
    held::{self, Held, Holder},
    rotation::{Judged, Rotation},
};
use crate::{
    files::open_files::Access,
    report::{Finding, Severity, Size},
    tools::logs::{
        containers::LogOptions,
        logrotate::{Method, Stanza},
    },
};

/// Everything worth saying, the worst first. Of each kind at most so many, then how many there are more.
pub(super) fn findings(facts: &Facts, judged: &[Judged<'_>], most: usize) -> Vec<Finding> {
    let kinds = [
        leftovers(facts),
        held_open(facts),
        copytruncate(facts, judged),
        keeps_none(facts),
        open_folders(facts),
        neglected(facts, judged),
        docker(facts, judged),
        unknown_directives(facts),
    ];
    let mut findings: Vec<Finding> = kinds.into_iter().flat_map(|kind| at_most(most, kind)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn at_most(most: usize, mut kind: Vec<Finding>) -> Vec<Finding> {
    kind.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    if kind.len() > most.max(1) {
        let (id, severity, more) = (kind[0].id.clone(), kind[most.max(1)].severity, kind.len() - most.max(1));
        kind.truncate(most.max(1));
        kind.push(Finding::new(id, severity, "others", format!("{more} more of the same kind; --top shows more")));
    }
    kind
}

fn neglected(facts: &Facts, judged: &[Judged<'_>]) -> Vec<Finding> {
    let neglected = judged.iter().filter(|judged| judged.is_neglected(facts));
    neglected.map(|judged| never_rotated(facts, judged)).collect()
}

fn never_rotated(facts: &Facts, judged: &Judged<'_>) -> Finding {
    let log = judged.log;
    let idle = facts.now - log.written;
    let since = log.born.filter(|born| facts.now - *born > TimeDelta::days(1));
    let since = since.map(|born| format!(" since {}", born.format("%Y-%m-%d"))).unwrap_or_default();
    let known = if facts.logrotate.problems.is_empty() { "" } else { ", as far as its configuration could be read" };
    let nobody = format!("has {} and no older parts{since}; logrotate does not name it{known}", Size(log.allocated));
    if idle > TimeDelta::days(30) {
        let message = format!("{nobody}; nothing was written to it for {} days", idle.num_days());
        return Finding::new("logs.never-rotated", Severity::Note, shown(&log.path), message);
    }
    let writer = facts.writers.get(&log.id).map(|writers| format!("; written to by {}", holders(writers))).unwrap_or_default();
    let hint = match log.path.to_str() {
        Some(_) => "`ops-logs init` proposes a stanza for it",
        None => "rename it: its name is not UTF-8, and ops-logs leaves such a file alone",
    };
    Finding::new("logs.never-rotated", Severity::Warning, shown(&log.path), format!("{nobody}{writer}")).hint(hint)
}

fn held_open(facts: &Facts) -> Vec<Finding> {
    facts.held.iter().map(held_file).collect()
}

fn held_file(held: &Held) -> Finding {
    let writer = held.holders.iter().find(|holder| matches!(holder.access, Some(Access::Write | Access::Append)));
    let message = format!("deleted, and still open in {}: {} are not free", holders(&held.holders), Size(held.allocated));
    let path = shown(&held.path);
    match writer {
        Some(writer) if held::is_log(&held.path) => {
            let message = format!("{message}; what it writes there is gone when it ends");
            let rescue = format!(
                "save it with `cp /proc/{}/fd/{} SOMEWHERE`, then let {} open its log anew",
                writer.pid, writer.descriptor, writer.command
            );
            Finding::new("logs.deleted-open", Severity::Danger, path, message).hint(rescue)
        }
        _ => {
            let severity = if held.allocated >= held::LARGE { Severity::Warning } else { Severity::Note };
            Finding::new("logs.deleted-open", severity, path, message)
                .hint("the space is free when the process closes it or ends")
        }
    }
}

fn copytruncate(facts: &Facts, judged: &[Judged<'_>]) -> Vec<Finding> {
    let truncates = |stanza: &&Stanza| stanza.directives.method == Method::CopyTruncate;
    let stanzas = facts.logrotate.stanzas.iter().filter(truncates);
    stanzas.map(|stanza| truncated(facts, stanza, judged)).collect()
}

fn truncated(facts: &Facts, stanza: &Stanza, judged: &[Judged<'_>]) -> Finding {
    // `cargo xtask bench in-place`, on ext4: 13 of 10,126 lines, and 196,860 of 3,899,549.
    const RISK: &str = "copytruncate loses the lines written between the end of the copy and the cut, at every rotation; \
        measured with two rotations a second: 0.1 % of all lines at 1,000 lines a second, 5 % at full speed";
    let own = |rotation: &Rotation<'_>| matches!(rotation, Rotation::Logrotate(owner) if std::ptr::eq(*owner, stanza));
    let logs: Vec<_> = judged.iter().filter(|judged| own(&judged.rotation)).collect();
    let writer = logs.iter().find_map(|judged| facts.writers.get(&judged.log.id));
    let (severity, seen) = match writer {
        Some(writers) => (Severity::Danger, format!("one of its logs is open for writing in {} now", holders(writers))),
        None if logs.is_empty() => (Severity::Note, "none of its logs is in the folders that were looked into".to_owned()),
        None => {
            (Severity::Warning, format!("{} of its logs {}", logs.len(), if logs.len() == 1 { "is there" } else { "are there" }))
        }
    };
    Finding::new("logs.copytruncate", severity, stanza.patterns.join(" "), format!("{RISK}; {seen}"))
        .at(stanza.place())
        .hint("if the writer can open its log anew, take it over with a [[log]] whose `reopen` says how: a signal, a reload or a command; if not, with method = \"in-place\", which loses none")
}

fn keeps_none(facts: &Facts) -> Vec<Finding> {
    let silent = facts.logrotate.stanzas.iter().filter(|stanza| stanza.directives.rotate.is_none());
    let finding = |stanza: &Stanza| {
        let message =
            "no `rotate` is said, here or globally: logrotate then keeps no old log, it removes the log when it rotates it";
        Finding::new("logs.keeps-none", Severity::Danger, stanza.patterns.join(" "), message)
            .at(stanza.place())
            .hint("say `rotate` and how many; `rotate 0` if that is what is wanted")
    };
    silent.map(finding).collect()
}

fn unknown_directives(facts: &Facts) -> Vec<Finding> {
    let finding = |unknown: &crate::tools::logs::logrotate::Unknown| {
        let place = format!("{}:{}", unknown.file.display(), unknown.line);
        let message = format!("logrotate may not know `{}`: it then ignores the line with a warning and exit 0", unknown.word);
        Finding::new("logs.unknown-directive", Severity::Warning, place.clone(), message).at(place)
    };
    facts.logrotate.unknown.iter().map(finding).collect()
}

fn leftovers(facts: &Facts) -> Vec<Finding> {
    facts.leftovers.iter().map(leftover).collect()
}

fn leftover(leftover: &Leftover) -> Finding {
    let what = match leftover.state {
        ArchiveState::Empty => "is empty",
        ArchiveState::NoHeader => "does not begin as a compressed file",
        ArchiveState::Begun | ArchiveState::Unknown => "may be cut off",
    };
    let (severity, rest) = match &leftover.original {
        Some(original) => (
            Severity::Danger,
            format!(
                "{} is still beside it: a compression did not end, and logrotate's next rotation can rename over what is whole",
                shown(original)
            ),
        ),
        None => (
            Severity::Warning,
            "there is no uncompressed file beside it: a compression did not end, and its log is gone".to_owned(),
        ),
    };
    let finding = Finding::new("logs.failed-compression", severity, shown(&leftover.archive), format!("{what}; {rest}"));
    match leftover.original {
        Some(_) => finding
            .hint("test the compressed file (`gzip -t`, `zstd -t` ...); if it fails, remove it and compress the original again"),
        None => finding,
    }
}

fn docker(facts: &Facts, judged: &[Judged<'_>]) -> Vec<Finding> {
    const HINT: &str =
        "set log-opts max-size and max-file in /etc/docker/daemon.json; a container has to be made anew to get them";
    let container = |judged: &Judged<'_>| {
        let name = match judged.rotation {
            Rotation::Docker(container) => container.shown().to_owned(),
            _ => shown(&judged.log.path),
        };
        let message = format!(
            "its json-file log has no max-size and is {} now: it grows until the disk is full",
            Size(judged.log.allocated)
        );
        Finding::new("logs.docker-unlimited", Severity::Warning, format!("container {name}"), message)
            .at(shown(&judged.log.path))
            .hint(HINT)
    };
    let mut findings: Vec<Finding> = judged.iter().filter(|judged| judged.rotation.is_unlimited()).map(container).collect();
    let is_here = facts.docker.unseen || !facts.docker.containers.is_empty();
    if is_here && facts.docker.defaults.as_ref().is_some_and(LogOptions::is_unlimited) {
        let message = "new containers get json-file logs without max-size: each can fill the disk";
        findings.push(Finding::new("logs.docker-unlimited", Severity::Warning, "Docker's defaults", message).hint(HINT));
    }
    findings
}

fn open_folders(facts: &Facts) -> Vec<Finding> {
    let finding = |folder: &std::path::PathBuf| {
        let message = "every user may remove and replace the logs in it: it is world-writable and not sticky";
        Finding::new("logs.open-folder", Severity::Danger, shown(folder), message).hint(format!("chmod o-w {}", shown(folder)))
    };
    facts.open_folders.iter().map(finding).collect()
}

/// `nginx (812)`, and how many more.
pub(super) fn holders(holders: &[Holder]) -> String {
    let first = holders.first().map(|holder| format!("{} (pid {})", holder.command, holder.pid)).unwrap_or_default();
    match holders.len() {
        0 => "somebody".to_owned(),
        1 => first,
        more => format!("{first} and {} more", more - 1),
    }
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
