//! Stanzas for programs whose logs can be renamed safely, or that rotate by themselves: each says in its comments
//! how the writer is told, or why it is not. When, compression and keeping are left to `[defaults]`.
//!
//! A program is here only when its stanza is right wherever it runs. Writers that cannot open their log anew are in
//! [`absent`] with the reason, so that asking for them gets an answer and not a guess.

use crate::{
    failure::{Exit, Failure, Result},
    report::{Cell, Report, Table},
    run::Run,
    settings::suggest,
    tool::Query,
};

/// The stanza of this name, as TOML with one `[[log]]` table.
pub fn find(name: &str) -> Option<&'static str> {
    all().iter().find(|preset| preset.name == name).map(|preset| preset.toml)
}

/// Every preset, by name.
pub fn all() -> &'static [Preset] {
    &ALL
}

/// Why there is no preset for a program that people ask for.
pub fn absent(name: &str) -> Option<&'static str> {
    ABSENT.iter().find(|(absent, _)| *absent == name).map(|(_, why)| *why)
}

/// A stanza that comes with the tool.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What `preset = "..."` says.
    pub name: &'static str,
    /// The program, in a few words.
    pub about: &'static str,
    /// One `[[log]]` table with its reasons.
    pub toml: &'static str,
}

macro_rules! preset {
    ($name:literal, $about:literal) => {
        Preset { name: $name, about: $about, toml: include_str!(concat!("presets/", $name, ".toml")) }
    };
}

const ALL: [Preset; 15] = [
    preset!("apache", "Apache on Debian and Ubuntu"),
    preset!("apt", "package installation on Debian and Ubuntu"),
    preset!("chrony", "chronyd's measurements"),
    preset!("cloud-init", "first boot of a cloud machine"),
    preset!("docker", "Docker's json-file logs, what dockerd is done with"),
    preset!("fail2ban", "fail2ban"),
    preset!("haproxy", "haproxy through rsyslog"),
    preset!("httpd", "Apache on Red Hat, Amazon Linux and their kin"),
    preset!("mariadb", "MariaDB 10.4 and later"),
    preset!("mysql", "MySQL 8.0.19 and later"),
    preset!("nginx", "nginx"),
    preset!("php-fpm", "PHP-FPM"),
    preset!("redis", "Redis"),
    preset!("suricata", "Suricata"),
    preset!("syslog", "rsyslog's files"),
];

const ABSENT: [(&str, &str); 6] = [
    ("codedeploy", "the agent rotates its own logs, eight files of 64 MiB each; a second rotator would lose some"),
    (
        "java",
        "a JVM cannot open its standard output anew; with `>>` method = \"in-place\" rotates it, and method = \"collect\" keeps what a logging library rolls",
    ),
    ("jenkins", "it no longer opens its log anew (SIGALRM, which older versions took for that, now ends it); log to the journal"),
    (
        "mongodb",
        "mongod opens its log anew only with systemLog.logRotate: reopen; write a stanza with signal USR1 where that is set",
    ),
    (
        "postgresql",
        "with logging_collector = on it rotates by itself (log_rotation_age, log_rotation_size, log_filename); off, as on \
         Debian, it writes to a standard error that it cannot open anew: switch it on",
    ),
    (
        "tomcat",
        "catalina.out cannot be opened anew: a stanza with method = \"in-place\" rotates it; the other logs carry their date and roll by themselves",
    ),
];

/// `ops-logs presets [NAME]`: the list, or one stanza as it is.
pub struct Presets {
    /// The one to show; the list when there is none.
    pub name: Option<String>,
}

impl Query for Presets {
    /// One stanza is its own answer and has no schema.
    fn schema(&self) -> Option<&'static str> {
        self.name.is_none().then_some("opsbelt.logs.presets/1")
    }

    fn answer(&self, run: &Run) -> Result<Report> {
        let Some(name) = &self.name else { return Ok(list()) };
        let toml = find(name).ok_or_else(|| unknown(name))?;
        run.out.write(toml)?;
        Ok(Report::default())
    }
}

/// What to say to someone who asks for a preset that is not there.
pub fn unknown(name: &str) -> Failure {
    let failure = Failure::new("find", format!("the preset `{name}`")).exit(Exit::BadInput);
    if let Some(why) = absent(name) {
        return failure.because(format!("there is none on purpose: {why}"));
    }
    let known = ALL.iter().map(|preset| preset.name).chain(ABSENT.iter().map(|(name, _)| *name));
    let hint = suggest::nearest(name, known).map(|meant| format!("did you mean `{meant}`?"));
    failure.because("there is none of that name").hint(hint.as_deref().unwrap_or("`ops-logs presets` lists them"))
}

fn list() -> Report {
    let row = |preset: &Preset| vec![Cell::Text(preset.name.to_owned()), Cell::Text(preset.about.to_owned())];
    let rows = all().iter().map(row).collect();
    let table = Table { name: "presets", title: String::new(), columns: vec!["name", "about"], rows };
    Report { tables: vec![table], ..Report::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::logs::settings::{self, Settings};

    #[test]
    fn every_preset_is_one_stanza_of_its_own_name_with_absolute_paths() {
        for preset in all() {
            let parsed: toml::Table = preset.toml.parse().unwrap();
            let [log] = parsed["log"].as_array().unwrap().as_slice() else { panic!("{}: one [[log]]", preset.name) };
            assert_eq!(log["name"].as_str(), Some(preset.name));
            for path in log["paths"].as_array().unwrap() {
                let path = path.as_str().unwrap();
                assert!(path.starts_with('/') && glob::Pattern::new(path).is_ok(), "{path}");
            }
            assert_eq!(parsed.len(), 1, "{}", preset.name);
        }
    }

    #[test]
    fn settings_understand_every_preset() {
        for preset in all() {
            let settings: Settings = toml::from_str(&format!("[[log]]\npreset = \"{}\"\n", preset.name)).unwrap();
            assert_eq!(settings::check(&settings), [], "{}", preset.name);
            assert_eq!(settings.sets().unwrap()[0].name, preset.name);
        }
    }

    #[test]
    fn every_stanza_says_why() {
        for preset in all() {
            assert!(preset.toml.lines().filter(|line| line.starts_with("# ")).count() > 0, "{}", preset.name);
        }
    }

    #[test]
    fn rules_of_when_and_keeping_are_left_to_the_defaults() {
        for preset in all() {
            let parsed: toml::Table = preset.toml.parse().unwrap();
            for key in ["when", "keep", "compress"] {
                assert!(parsed["log"][0].get(key).is_none(), "{} says {key}", preset.name);
            }
        }
    }

    #[test]
    fn names_are_sorted_found_and_never_absent_as_well() {
        assert!(all().is_sorted_by_key(|preset| preset.name));
        assert!(ABSENT.is_sorted_by_key(|(name, _)| *name));
        for preset in all() {
            assert_eq!(find(preset.name), Some(preset.toml));
            assert_eq!(absent(preset.name), None);
        }
        assert_eq!(find("java"), None);
        assert!(unknown("java").to_string().contains("on purpose: a JVM"));
        assert!(unknown("nix").hint.is_some());
        assert!(unknown("postgresql").to_string().contains("with logging_collector = on it rotates by itself"));
    }
}
