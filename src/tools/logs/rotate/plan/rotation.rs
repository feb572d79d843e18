//! Which logs are swapped away now, under which name, and why; which stay, and why.

use std::{fmt, path::Path};

use super::bound::{Bound, Source, no_archives};
use crate::{
    failure::{Failure, Result},
    files::{
        dir::Stat,
        standing::{self, Actor, Refusal},
    },
    report::{Outcome, is_hostile},
    tools::logs::{
        containers::Container,
        rotate::{
            Begins, Rotate,
            facts::{FolderFact, LogFact, Missing, Newest, What, World},
        },
        settings::{LogSet, Method},
        when::{self, Due, Periods},
    },
};

/// A log that is to be swapped away, or cut, and archived.
#[derive(Debug)]
pub struct Rotation {
    /// Whose it is, and where it goes.
    pub bound: Bound,
    /// So much of it is archived now.
    pub size: u64,
    /// What is done to it.
    pub method: Method,
    /// The container that it is of.
    pub container: Option<Container>,
    /// Why now.
    pub why: Why,
}

/// Why a log is rotated now.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// A rule of its set.
    Due(when::Reason),
    /// `--force`.
    Forced,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Due(reason) => reason.fmt(f),
            Why::Forced => f.write_str("--force"),
        }
    }
}

/// Why a log stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Rest {
    /// No rule of its set says that it is due.
    NotDue(when::Reason),
    /// This run begins nothing.
    NotAsked,
    /// It is due, but rotated in place nothing of it could go.
    TooLittle,
    /// All of its so many bytes are archived already.
    NothingNew(u64),
    /// Its writer rotates it, and what it finished is collected.
    Collected,
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rest::NotDue(reason) => reason.fmt(f),
            Rest::NothingNew(bytes) => write!(f, "nothing new: its {bytes} bytes are archived already"),
            Rest::NotAsked => f.write_str("--finish: no log is rotated"),
            Rest::TooLittle => f.write_str("due, but it holds no whole block of whole lines, and nothing less can go in place"),
            Rest::Collected => f.write_str("collected as soon as its writer is done with it"),
        }
    }
}

/// A log that stays as it is.
#[derive(Debug)]
pub struct Left {
    /// The log, by position in the facts.
    pub log: usize,
    /// Why.
    pub why: Rest,
}

/// A log or path that cannot be rotated as things stand.
#[derive(Debug)]
pub struct Trouble {
    /// What cannot be done.
    pub action: &'static str,
    /// The path.
    pub path: String,
    /// Why.
    pub why: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether it counts as partly done, or was expected.
    pub outcome: Outcome,
}

/// Decides for every log that was met.
pub(super) fn decide(rotate: &Rotate, world: &World, newest: &mut Newest) -> (Vec<Rotation>, Vec<Left>, Vec<Trouble>) {
    let mut rotations = Vec::new();
    let mut left = Vec::new();
    let mut troubles: Vec<Trouble> = world.missing.iter().map(|missing| absent(missing, &rotate.sets[missing.set])).collect();
    let periods: Vec<Periods> = rotate.sets.iter().map(|set| Periods::at(set.zone, world.now)).collect();
    for (index, log) in world.logs.iter().enumerate() {
        let set = &rotate.sets[log.set];
        let path = || world.path(log).display().to_string();
        match consider(rotate, set, log, world, &periods[log.set]) {
            Ok(Verdict::Stay(why)) => left.push(Left { log: index, why }),
            Ok(Verdict::Go(stat, why)) => match rotation(set, log, world, newest, (stat, why)) {
                Ok(rotation) => rotations.push(rotation),
                Err(failure) => troubles.push(trouble(path(), &failure)),
            },
            Err(failure) => troubles.push(trouble(path(), &failure)),
        }
    }
    (rotations, left, troubles)
}

enum Verdict {
    Stay(Rest),
    Go(Stat, Why),
}

fn consider(rotate: &Rotate, set: &LogSet, log: &LogFact, world: &World, periods: &Periods) -> Result<Verdict> {
    let refuse = |why: String| Failure::new("rotate", &log.name).because(why);
    let stat = match &log.what {
        What::File(stat) => stat,
        // A link to the file that is live: nothing is done to either.
        What::Odd(_) if set.method == Method::Collect => return Ok(Verdict::Stay(Rest::Collected)),
        What::Odd(what) => return Err(refuse(format!("it is {what}")).hint("exclude it, or name the real file")),
        What::Shared(sets) => {
            let names: Vec<&str> = sets.iter().map(|set| rotate.sets[*set].name.as_str()).collect();
            return Err(refuse(format!("several sets name it: {}", names.join(", "))).hint("exclude it in all but one"));
        }
        What::Twice(paths) => {
            let why = format!("several sets or paths name it: {}", paths.join(", "));
            return Err(refuse(why).hint("name its folder by one path only"));
        }
        What::Unnamable => {
            let pattern = excluding(&world.path(log));
            return Err(refuse("its name is not UTF-8".to_owned()).hint(format_args!("rename it, or exclude \"{pattern}\"")));
        }
        What::Unreadable(failure) => return Err(failure.clone()),
    };
    if set.method == Method::Collect {
        return Ok(Verdict::Stay(Rest::Collected));
    }
    if stat.links > 1 {
        return Err(refuse(format!("it has {} hard links: rotating one name would leave the others behind", stat.links))
            .hint("remove the other names, or exclude it"));
    }
    if stat.locked {
        return Err(refuse("it is immutable or append-only (chattr +i, +a)".to_owned()).hint("chattr -i -a, or exclude it"));
    }
    if let Some(place) = log.logrotate.as_ref().filter(|_| !set.takeover) {
        return Err(refuse(format!("logrotate rotates it too: {place}")).hint("remove it there, or set takeover = true here"));
    }
    let size = log.unarchived(stat);
    if size == 0 && stat.size > 0 {
        return Ok(Verdict::Stay(Rest::NothingNew(stat.size)));
    }
    if rotate.begins == Begins::Nothing {
        return Ok(Verdict::Stay(Rest::NotAsked));
    }
    let due = when::due(&set.when, &when::Log { size, since: log.since }, periods);
    let why = match due {
        Due::Now(why) => Why::Due(why),
        Due::NotYet(_) if rotate.begins == Begins::All && size > 0 => Why::Forced,
        Due::NotYet(why) => return Ok(Verdict::Stay(Rest::NotDue(why))),
    };
    if let Some(live) = &log.live {
        dockerd_leaves_it_alone(log)?;
        live.refused.clone().map_or(Ok(()), Err)?;
        if !live.goes {
            return Ok(Verdict::Stay(Rest::TooLittle));
        }
    }
    may_touch(set, &world.folders[log.folder], &log.name, stat, world)?;
    Ok(Verdict::Go(*stat, why))
}

/// dockerd remembers how long the log is: taken from its beginning, it would be rotated too late, and cut off by dockerd's own.
fn dockerd_leaves_it_alone(log: &LogFact) -> Result<()> {
    let Some(container) = &log.container else { return Ok(()) };
    let refuse = |why: &str, hint: &str| Err(Failure::new("rotate in place", &log.name).because(why).hint(hint));
    let hint = "use method = \"collect\" (or preset = \"docker\"), which keeps what dockerd is done with";
    match &container.options {
        Some(options) if options.has_max_size() => {
            refuse("dockerd rotates it by itself (max-size), and remembers its length", hint)
        }
        Some(_) => Ok(()),
        None => refuse("whether dockerd rotates it by itself is unknown: its hostconfig.json could not be read", hint),
    }
}

/// A pattern for a path that cannot be written out: `?` stands for what is not UTF-8, and for what is not visible.
fn excluding(path: &Path) -> String {
    let sayable = |c: char| if c == char::REPLACEMENT_CHARACTER || is_hostile(c) { '?' } else { c };
    glob::Pattern::escape(&path.to_string_lossy()).chars().map(sayable).collect()
}

/// The same is decided again from the open folders when it is done.
pub(super) fn may_touch(set: &LogSet, folder: &FolderFact, name: &str, file: &Stat, world: &World) -> Result<()> {
    let refused = |refusal: Refusal| refusal.into_failure("rotate", name);
    let (stat, _) = folder.state.as_ref().map_err(Clone::clone)?;
    standing::may_rename(stat).map_err(refused)?;
    let actor = standing::actor(stat, file, world.us.uid).map_err(refused)?;
    if actor == Actor::Ourselves && set.method == Method::Collect {
        standing::may_link(&world.us, file).map_err(refused)?;
    } else if actor == Actor::Ourselves && set.method == Method::Rename {
        standing::may_give(&world.us, stat, file).map_err(refused)?;
    }
    recordable(&folder.path)?;
    let may_write = |folder: &FolderFact| match &folder.writable {
        // A child has rights of its own, and finds out before it touches anything.
        Err(failure) if actor == Actor::Ourselves => Err(Failure { cause: Some(failure.to_string()), ..failure.clone() }),
        _ => Ok(()),
    };
    may_write(folder)?;
    let Some((dir, elsewhere)) = set.archive_dir.as_ref().and_then(|dir| Some((dir, world.folder(dir)?))) else { return Ok(()) };
    let (stat, _) = elsewhere.state.as_ref().map_err(|failure| no_archives(dir, failure))?;
    standing::may_archive(stat, actor, world.us.uid).map_err(refused)?;
    may_write(elsewhere)?;
    recordable(&elsewhere.path)
}

/// What stands in the ledger must lead back to the same folder.
fn recordable(folder: &Path) -> Result<()> {
    match folder.to_str() {
        Some(_) => Ok(()),
        None => Err(Failure::new("rotate in", folder.display())
            .because(format!("the real path of its folder, {}, is not UTF-8", folder.display()))
            .hint("rename that folder")),
    }
}

fn rotation(set: &LogSet, log: &LogFact, world: &World, newest: &mut Newest, (stat, why): (Stat, Why)) -> Result<Rotation> {
    let source = Source {
        set: log.set,
        folder: log.folder,
        log: &log.name,
        file: stat.id,
        begun: if set.method == Method::InPlace { log.since } else { log.since.min(stat.oldest()) },
        labels: log.container.as_ref().map(|container| container.labels.clone()).unwrap_or_default(),
    };
    Ok(Rotation {
        bound: Bound::new(source, set, world, newest, world.now)?,
        size: log.unarchived(&stat),
        method: set.method,
        container: log.container.clone(),
        why,
    })
}

fn absent(missing: &Missing, set: &LogSet) -> Trouble {
    let mut trouble = trouble(missing.path.clone(), &missing.why);
    if missing.absent && set.optional {
        trouble.outcome = Outcome::Kept;
    }
    trouble
}

pub(super) fn trouble(path: String, failure: &Failure) -> Trouble {
    let why = failure.cause.clone().unwrap_or_else(|| failure.to_string());
    Trouble { action: "rotate", path, why, hint: failure.hint.clone(), outcome: Outcome::Skipped }
}
