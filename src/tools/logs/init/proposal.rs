//! The text of proposed settings: known programs by their presets, large logs that nobody rotates by their paths, and in
//! comments whatever only a person can decide. Pure: the same facts give the same text.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use crate::{
    files::find::PathPattern,
    report::{Incomplete, Size, is_hostile, safe},
    tools::logs::{
        presets::{self, Preset},
        survey::{Facts, Judged, Rotation, judge},
    },
};

/// Settings for what was seen, as TOML with comments. The same facts give the same text.
pub(super) fn settings_from(facts: &Facts) -> String {
    let judged = judge(facts);
    let mut text = heading(facts);
    let (used, theirs) = programs(facts, &judged);
    for Program { preset, rivals } in &used {
        let _ = write!(text, "\n# {}: its logs are here, and nobody rotates them.\n", preset.about);
        for rival in rivals {
            let _ = writeln!(text, "# If it is {}: preset = \"{}\"", rival.about, rival.name);
        }
        let _ = write!(text, "[[log]]\npreset = \"{}\"\n", preset.name);
    }
    let covered: Vec<PathPattern> = used.iter().flat_map(|program| patterns(program.preset)).collect();
    for (folder, logs) in neglected(facts, &judged, &covered) {
        text.push_str(&stanza(facts, folder, &logs));
    }
    text.push_str(&logrotates(&judged, &theirs));
    text.push_str(&dockers(&judged));
    text.push_str(&scope(is_active(&text)));
    text
}

/// What to say when every set is only a comment.
pub(super) const IDLE: &str = "nothing is active in these settings yet";
/// And what to do about it.
pub(super) const WAKE: &str = "uncomment the [[log]] you want, or add one";

/// Whether a set stands in the text that is more than a comment.
pub(super) fn is_active(text: &str) -> bool {
    text.lines().any(|line| line == "[[log]]")
}

/// What a reader must know of the whole: whether it does anything, and what was left out as too small.
fn scope(active: bool) -> String {
    let idle = if active { String::new() } else { format!("# {IDLE}: {WAKE}. `ops-logs rotate` refuses them until then.\n") };
    let (large, old) = (Size(Judged::LARGE), Size(Judged::NOT_SMALL));
    format!(
        "\n{idle}# Besides known programs, only logs over {large} (over {old} when older than a month) that nobody rotates\n\
         # are proposed. Smaller ones: name = \"...\" and paths = [\"/folder/*.log\"] in a [[log]] of their own.\n"
    )
}

fn heading(facts: &Facts) -> String {
    let mut text = format!(
        "# Settings of ops-logs, proposed by `ops-logs init` on {} from what was found here.\n\
         # `ops-logs config check` tests them, `ops-logs plan` shows what a run would do.\n",
        facts.now.format("%Y-%m-%d")
    );
    for Incomplete { what, why, .. } in &facts.incomplete {
        let _ = writeln!(text, "# Not seen: {}: {}", safe(what), safe(why));
    }
    text.push_str(
        "\n[defaults]\n\
         compress = \"zstd\"\n\
         when = { any = [\"daily\", \"100 MiB\"] }\n\
         # Whichever limit is reached first removes the oldest archives; the newest one always stays.\n\
         keep = { count = 14, max-age = \"90d\", max-total = \"20 GiB\", min-free = \"10%\" }\n",
    );
    text
}

/// A program whose logs are here.
struct Program {
    preset: &'static Preset,
    /// Presets for the same paths: the settings would contradict themselves if they named both.
    rivals: Vec<&'static Preset>,
}

/// Programs whose logs nobody rotates, and those whose logs logrotate rotates.
fn programs(facts: &Facts, judged: &[Judged<'_>]) -> (Vec<Program>, Vec<Program>) {
    let (mut used, mut theirs): (Vec<Program>, Vec<Program>) = (Vec::new(), Vec::new());
    for preset in presets::all() {
        let patterns = patterns(preset);
        let means = |judged: &&Judged<'_>| patterns.iter().any(|pattern| pattern.matches(&judged.log.path));
        let logs: Vec<&Judged<'_>> = judged.iter().filter(means).filter(|judged| is_live(judged)).collect();
        if logs.is_empty() {
            continue;
        }
        if let Some(rival) = used.iter_mut().chain(&mut theirs).find(|program| share_paths(program.preset, preset)) {
            rival.rivals.push(preset);
            continue;
        }
        let owned = logs.iter().any(|judged| facts.logrotate.owner_of(&judged.log.path).is_some());
        let programs = if owned { &mut theirs } else { &mut used };
        programs.push(Program { preset, rivals: Vec::new() });
    }
    (used, theirs)
}

fn share_paths(one: &Preset, other: &Preset) -> bool {
    let others = patterns(other);
    patterns(one).iter().any(|pattern| others.iter().any(|other| other.text() == pattern.text()))
}

fn is_live(judged: &Judged<'_>) -> bool {
    !matches!(judged.rotation, Rotation::Part | Rotation::Docker(_) | Rotation::Journal)
}

fn patterns(preset: &Preset) -> Vec<PathPattern> {
    let parsed: toml::Table = preset.toml.parse().expect("a test reads every preset");
    let paths = parsed["log"][0]["paths"].as_array().cloned().unwrap_or_default();
    paths.iter().filter_map(|path| PathPattern::new(path.as_str()?).ok()).collect()
}

/// Logs that want a stanza of their own, by folder.
fn neglected<'j>(facts: &Facts, judged: &'j [Judged<'j>], covered: &[PathPattern]) -> BTreeMap<&'j Path, Vec<&'j Judged<'j>>> {
    let mut folders: BTreeMap<&Path, Vec<&Judged<'_>>> = BTreeMap::new();
    for judged in judged.iter().filter(|judged| judged.is_neglected(facts)) {
        let path = &judged.log.path;
        if covered.iter().all(|pattern| !pattern.matches(path)) {
            folders.entry(path.parent().unwrap_or(Path::new("/"))).or_default().push(judged);
        }
    }
    folders
}

/// One stanza for the logs of a folder. It is only a comment while a writer, or not knowing of one, leaves
/// the question open how that writer is told.
fn stanza(facts: &Facts, folder: &Path, logs: &[&Judged<'_>]) -> String {
    const MOST: usize = 50;
    let mut about = String::new();
    let mut paths = Vec::new();
    for judged in logs.iter().take(MOST) {
        let log = judged.log;
        let shown = safe(&log.path.display().to_string());
        let writer = match facts.writers.get(&log.id).and_then(|writers| writers.first()) {
            Some(writer) => format!("{} (pid {}) writes to it", safe(&writer.command), writer.pid),
            None if facts.writers_are_known => "nobody has it open for writing".to_owned(),
            None => "who writes to it is not known".to_owned(),
        };
        let _ = writeln!(about, "# {shown}: {}, last write {}; {writer}.", Size(log.allocated), log.written.format("%Y-%m-%d"));
        match log.path.to_str() {
            Some(path) => paths.push(quoted(&glob::Pattern::escape(path))),
            None => about.push_str("# Its name is not UTF-8, and ops-logs leaves such a file alone: rename it.\n"),
        }
    }
    if logs.len() > MOST {
        let _ = writeln!(about, "# And {} more in {}.", logs.len() - MOST, safe(&folder.display().to_string()));
    }
    let settled = facts.writers_are_known && logs.iter().all(|judged| !facts.writers.contains_key(&judged.log.id));
    let table = format!("[[log]]\nname = {}\npaths = [{}]\n", quoted(&name_of(folder)), paths.join(", "));
    if paths.is_empty() {
        return format!("\n{about}");
    }
    if settled {
        return format!("\n{about}{table}");
    }
    let table = format!("#{}", table.trim_end().replace('\n', "\n#"));
    format!(
        "\n{about}# Say how the writer is told to open its log anew, then uncomment this. For a writer that cannot do that\n\
         # write method = \"in-place\" instead of reopen; otherwise the renamed file waits, whole and uncompressed.\n\
         {table}\n#reopen = {{ unit = \"NAME.service\", signal = \"HUP\" }}\n"
    )
}

/// TOML for a text, on one line whatever is in it, and harmless on a terminal.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            c if is_hostile(c) => write!(quoted, "\\u{:04X}", u32::from(c)),
            c => write!(quoted, "{c}"),
        };
    }
    quoted + "\""
}

/// `opt-shop-logs` of `/opt/shop/logs`: unique, as folders are.
fn name_of(folder: &Path) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
    let name: String = folder.to_string_lossy().trim_matches('/').chars().map(plain).collect();
    if name.is_empty() { "root".to_owned() } else { name }
}

fn logrotates(judged: &[Judged<'_>], theirs: &[Program]) -> String {
    const MOST: usize = 200;
    const SHOWN: usize = 5;
    let mut lines = BTreeMap::new();
    for judged in judged {
        if let Rotation::Logrotate(stanza) = judged.rotation {
            lines.entry(judged.log.path.as_path()).or_insert_with(|| stanza.place());
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let mut text = "\n# logrotate rotates these, and ops-logs leaves them alone:\n".to_owned();
    for (path, place) in lines.iter().take(MOST) {
        let _ = writeln!(text, "#   {}  ({})", safe(&path.display().to_string()), safe(place));
    }
    if lines.len() > MOST {
        let _ = writeln!(text, "#   and {} more", lines.len() - MOST);
    }
    text.push_str("# To move some of them here, remove their stanza there first, then uncomment a [[log]] or write one.\n");
    for program in theirs {
        let patterns = patterns(program.preset);
        let covers = |path: &&&Path| patterns.iter().any(|pattern| pattern.matches(path));
        let covered: Vec<String> = lines.keys().filter(covers).map(|path| safe(&path.display().to_string())).collect();
        let more = covered.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let some = covered[..covered.len().min(SHOWN)].join(", ");
        let _ = write!(text, "#\n# This one is for {some}{more}:\n#[[log]]\n#preset = \"{}\"\n", program.preset.name);
    }
    text
}

fn dockers(judged: &[Judged<'_>]) -> String {
    let count = judged.iter().filter(|judged| matches!(judged.rotation, Rotation::Docker(_))).count();
    if count == 0 {
        return String::new();
    }
    // Written out only when somebody wants it: it has an eye on options of Docker's that are not set by itself.
    format!(
        "\n# For Docker's {count} container logs: archives what dockerd is done with, where max-size and max-file are set.\n\
         # `ops-logs presets docker` says more.\n#[[log]]\n#preset = \"docker\"\n"
    )
}
