//! What holds for every set, with all gaps filled, and who filled each: the preset, `[defaults]`, or what is built in.
//! Only for showing; a run completes its sets itself, and a test holds the two together.

use std::{collections::BTreeMap, path::PathBuf};

use super::{CLOSE_WAIT, LOGROTATE, LogWords, Method, Settings, StoreWords, Way, ZONE};
use crate::{
    files::compress::Compression,
    retention::Keep,
    settings::units::Zone,
    tool::{Effective, Lender},
    tools::logs::when::When,
};

/// The settings without gaps. The host stays as it is written: a copy of what was shown must not name its next machine.
pub fn effective(settings: &Settings) -> Effective<Settings> {
    let mut lenders = BTreeMap::new();
    let mut log = Vec::new();
    for (index, words) in settings.log.iter().enumerate() {
        let mut whole = table(words);
        let name = words.preset.as_deref().unwrap_or_default();
        let preset = words.preset.as_deref().and_then(|name| LogWords::of_preset(name).ok()).unwrap_or_default();
        lend(&mut whole, &preset, |key| {
            lenders.insert(format!("log[{index}].{key}"), Lender::BuiltIn(format!("preset {name}")));
        });
        lend(&mut whole, &settings.defaults, |key| {
            lenders.insert(format!("log[{index}].{key}"), Lender::Key(format!("defaults.{key}")));
        });
        let name = Some(words.shown_name().to_owned()).filter(|name| !name.contains(char::is_control));
        let shipped = settings.store.is_some();
        let (ship, service) = (shipped.then_some(Way::Spool), name.clone().filter(|_| shipped));
        let store_keep = shipped.then(Keep::default);
        lend(&mut whole, &LogWords { name, exclude: Some(Vec::new()), ship, service, store_keep, ..built_in() }, |_| ());
        log.push(read(whole));
    }
    let mut defaults = table(&settings.defaults);
    lend(&mut defaults, &built_in(), |_| ());
    let settings = Settings {
        defaults: read(defaults),
        log,
        host: settings.host.clone(),
        logrotate: settings.logrotate.clone().or_else(|| Some(PathBuf::from(LOGROTATE))),
        parallel: u16::try_from(settings.parallel()).ok(),
        store: settings.store.as_ref().map(StoreWords::whole),
    };
    let in_store = settings.log.iter().enumerate().filter(|(_, words)| words.store_keep == Some(Keep::default()));
    let in_store = in_store.map(|(index, _)| (format!("log[{index}].store-keep"), "every object stays"));
    let meanings = unruled(&settings).map(|key| (key, "every archive stays")).chain(in_store).collect();
    Effective { settings, lenders, meanings }
}

/// The key paths of the keep-rules that rule nothing.
fn unruled(settings: &Settings) -> impl Iterator<Item = String> {
    let sets = settings.log.iter().enumerate().map(|(index, words)| (format!("log[{index}].keep"), words));
    let all = std::iter::once(("defaults.keep".to_owned(), &settings.defaults)).chain(sets);
    all.filter(|(_, words)| words.keep.unwrap_or_default() == Keep::default()).map(|(key, _)| key)
}

/// What holds where nobody says anything.
fn built_in() -> LogWords {
    LogWords {
        method: Some(Method::default()),
        when: Some(When::default()),
        compress: Some(Compression::default()),
        keep: Some(Keep::default()),
        zone: Some(Zone(ZONE)),
        takeover: Some(false),
        optional: Some(false),
        close_wait: Some(CLOSE_WAIT),
        ..LogWords::default()
    }
}

/// Fills the gaps of `whole`, and tells `note` the key of each.
fn lend(whole: &mut toml::Table, from: &LogWords, mut note: impl FnMut(&str)) {
    for (key, value) in table(from) {
        if !whole.contains_key(&key) {
            note(&key);
            whole.insert(key, value);
        }
    }
}

fn table(words: &LogWords) -> toml::Table {
    toml::Table::try_from(words).expect("`config show` writes them as TOML")
}

fn read(table: toml::Table) -> LogWords {
    table.try_into().expect("each word was read from settings or is built in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_means_the_same_sets_and_says_who_gave_what() {
        let text = "[defaults]\nwhen = \"weekly\"\nkeep = { count = 3 }\n\
                    [[log]]\npreset = \"nginx\"\nkeep = { daily = 2 }\n\
                    [[log]]\npaths = [\"/a/*.log\"]\nclose-wait = \"9s\"\n";
        let settings: Settings = toml::from_str(text).unwrap();
        let effective = effective(&settings);
        assert_eq!(effective.settings.sets().unwrap(), settings.sets().unwrap());
        assert_eq!(super::super::check(&effective.settings), []);
        let again: Settings = toml::from_str(&toml::to_string(&effective.settings).unwrap()).unwrap();
        assert_eq!(again.sets().unwrap(), settings.sets().unwrap());
        let lender = |key: &str| effective.lenders.get(key).cloned();
        assert_eq!(lender("log[0].when"), Some(Lender::Key("defaults.when".to_owned())));
        assert_eq!(lender("log[0].keep"), None);
        assert_eq!(lender("log[0].paths"), Some(Lender::BuiltIn("preset nginx".to_owned())));
        assert_eq!((lender("log[1].close-wait"), lender("log[1].takeover")), (None, None));
        assert_eq!(effective.settings.log[1].takeover, Some(false));
    }

    #[test]
    fn what_is_built_in_is_what_a_run_takes() {
        let words = LogWords { name: Some("a".to_owned()), ..LogWords::default() };
        assert_eq!(words.complete(&built_in()).unwrap(), words.complete(&LogWords::default()).unwrap());
    }
}
