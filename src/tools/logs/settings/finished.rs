//! Which names in a live log's folder are files that its writer is done with: templates over the live name. Pure.

use glob::Pattern;

/// Where a set does not say: `app.log.1`, `app.log.2026-11-21`, `app.log.3.gz`.
pub const USUAL: &str = "{name}.*";

/// Why a template cannot be one.
pub fn check(template: &str) -> Result<(), String> {
    if template.contains('/') {
        return Err(format!("`{template}` is a path: finished files lie in the folder of their log"));
    }
    if template.contains('%') {
        return Err(format!(
            "`{template}` has a `%`, which stands for nothing here: write `*` or `[0-9]*` for a date or a number"
        ));
    }
    let rest = template.replace("{name}", "").replace("{stem}", "");
    if rest.contains(['{', '}']) {
        return Err(format!("`{template}` has braces that are neither {{name}} nor {{stem}}"));
    }
    if rest == template {
        return Err(format!("`{template}` does not say whose: {{name}} or {{stem}} must be in it"));
    }
    let pattern = Pattern::new(&filled(template, "a.log")).map_err(|error| format!("`{template}`: {}", error.msg))?;
    if template != "{name}" && pattern.matches("a.log") {
        return Err(format!("`{template}` means the live log too"));
    }
    Ok(())
}

/// The names that are finished files of the live log `name`. What [`check`] refuses is left out.
pub fn of(templates: &[String], name: &str) -> Vec<Pattern> {
    templates.iter().filter_map(|template| Pattern::new(&filled(template, name)).ok()).collect()
}

/// With what all those names begin: nothing, when that is not known.
pub fn beginning<'n>(templates: &[String], name: &'n str) -> &'n str {
    let begins = |with: &str| templates.iter().all(|template| template.starts_with(with));
    match () {
        () if begins("{name}") => name,
        () if begins("{") => stem(name),
        () => "",
    }
}

/// Whether a name that no template means looks as if it were one of them all the same: that of the live log, or its stem, with
/// a number or a date behind it.
pub fn resembles(name: &str, log: &str) -> bool {
    let behind = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric()) && rest.contains(|c: char| c.is_ascii_digit());
    name != log && [log, stem(log)].iter().any(|begin| name.strip_prefix(begin).is_some_and(behind))
}

/// A name without its last extension.
pub fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem })
}

fn filled(template: &str, name: &str) -> String {
    let stem = stem(name);
    template.replace("{name}", &Pattern::escape(name)).replace("{stem}", &Pattern::escape(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(template: &str, live: &str, name: &str) -> bool {
        of(&[template.to_owned()], live).iter().any(|pattern| pattern.matches(name))
    }

    #[test]
    fn templates_are_filled_with_the_live_name_as_it_is() {
        assert!(finished(USUAL, "app.log", "app.log.1") && finished(USUAL, "app.log", "app.log.2026-11-21.gz"));
        assert!(!finished(USUAL, "app.log", "app.log") && !finished(USUAL, "app.log", "app2.log.1"));
        assert!(finished("{stem}-*.log", "app.log", "app-2026-11-21.0.log"));
        assert!(finished("{stem}.*", "catalina", "catalina.1") && finished("{stem}.*", ".hidden", ".hidden.1"));
        assert!(finished(USUAL, "a[1].log", "a[1].log.1") && !finished(USUAL, "a[1].log", "a1.log.1"));
        assert!(finished("{name}", "log", "log"));
    }

    #[test]
    fn a_number_or_a_date_behind_the_name_looks_finished_and_nothing_else_does() {
        for name in ["app.log.1", "app.log-20261121.gz", "app-2026-11-21.log", "app.2.log", "app.log_01"] {
            assert!(resembles(name, "app.log"), "{name}");
        }
        for name in ["app.log", "app.log.lock", "app.pid", "app2.log", "app-access.log", "web.log.1", "app"] {
            assert!(!resembles(name, "app.log"), "{name}");
        }
        assert!(resembles("syslog-20261121", "syslog") && !resembles("syslog-ng.conf", "syslog"));
    }

    #[test]
    fn what_cannot_be_a_template_is_refused() {
        for template in [
            "",
            "*.log",
            "old/{name}.*",
            "{nmae}.*",
            "{name",
            "{name}.[",
            "{name}.***x",
            "{stem}-%d.log",
            "{stem}*.log",
            "{name}*",
        ] {
            assert!(check(template).is_err(), "{template}");
        }
        for template in [USUAL, "{stem}-[0-9]*.log", "{name}", "{name}.?"] {
            assert_eq!(check(template), Ok(()), "{template}");
        }
    }
}
