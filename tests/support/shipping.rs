//! A machine whose archives go to a store in a folder, and what is in that store.

use std::{collections::BTreeMap, fs, io::Read, path::PathBuf};

use serde_json::Value;

use super::{
    scenario::{Ran, Scenario, files_under},
    shipped, tally,
};

impl Scenario {
    /// One set, `app`, of all `*.log` over 1 KiB, and a store; `store` are more words of that, `words` of the set.
    #[must_use]
    pub fn shipping(self, store: &str, words: &str) -> Scenario {
        self.shipping_under("", store, words)
    }

    /// The same with more lines before the store.
    #[must_use]
    pub fn shipping_under(self, head: &str, store: &str, words: &str) -> Scenario {
        fs::create_dir(self.root().join("store")).expect("a writable tree");
        self.shipping_to("file://{root}/store", head, store, words)
    }

    /// The same to a store that somebody else made.
    #[must_use]
    pub fn shipping_to(self, url: &str, head: &str, store: &str, words: &str) -> Scenario {
        let head = format!("{head}\n[store]\nurl = \"{url}\"\nspool = \"{{root}}/spool\"\n{store}");
        self.head(&head, &format!("paths = [\"{{logs}}/*.log\"]\nwhen = \"1 KiB\"\n{words}"))
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.root().join("store")
    }

    /// The spool.
    pub fn spool(&self) -> PathBuf {
        self.root().join("spool")
    }

    /// What is in the spool but for what this machine remembers of its manifests there.
    pub fn spooled(&self) -> BTreeMap<String, u64> {
        let all = if self.spool().exists() { files_under(&self.spool()) } else { BTreeMap::new() };
        all.into_iter().filter(|(name, _)| !name.starts_with("receipts/chain-")).collect()
    }

    /// The receipts.
    pub fn receipts(&self) -> Vec<PathBuf> {
        let all = self.spooled().into_keys().filter(|name| name.starts_with("receipts/") && !name.contains("/."));
        all.map(|name| self.spool().join(name)).collect()
    }

    /// Where this machine remembers its manifests.
    pub fn memory(&self) -> Vec<PathBuf> {
        let all = files_under(&self.spool()).into_keys().filter(|name| name.starts_with("receipts/chain-"));
        all.map(|name| self.spool().join(name)).collect()
    }

    /// It remembers nothing any more.
    pub fn forget(&self) {
        self.memory().into_iter().for_each(|path| fs::remove_file(path).expect("it was listed"));
    }

    /// `ship`, as a timer would.
    pub fn ship(&self) -> Ran {
        self.run(&["--format", "json", "ship"])
    }

    /// One set that ships without archives here.
    #[must_use]
    pub fn shipping_directly(self, words: &str) -> Scenario {
        self.shipping("", &format!("ship = \"direct\"\n{words}"))
    }

    /// `direct`, as a timer would.
    pub fn direct(&self) -> Ran {
        self.run(&["--format", "json", "direct"])
    }

    /// The text of each object that holds a log, by key.
    pub fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let logs = files_under(&self.store()).into_keys().filter(|key| key.starts_with("logs/"));
        let text = |key: &str| {
            let mut text = Vec::new();
            tally::plain(&self.store().join(key)).read_to_end(&mut text).expect("a readable object");
            text
        };
        logs.map(|key| (key.clone(), text(&key))).collect()
    }

    /// The segments of this machine's manifest, in order.
    pub fn segments(&self) -> Vec<Value> {
        // A hidden name is none: a killed run left it.
        let all = files_under(&self.store()).into_keys();
        let all = all.filter(|key| key.starts_with("_opsbelt/manifests/test/") && !key.contains("/."));
        let read = |key: String| fs::read(self.store().join(key)).expect("it was listed");
        all.map(|key| serde_json::from_slice(&read(key)).expect("a segment is JSON")).collect()
    }

    /// Panics unless the store has each of these texts in one object, each object is named once, the segments are one chain,
    /// and nothing else is left anywhere.
    #[track_caller]
    pub fn assert_shipped(&self, texts: &[Vec<u8>], story: &str) {
        let objects = self.objects();
        shipped::assert_texts(&objects, texts, story);
        let hash = |key: &str| super::process::must("sha256sum", &[self.store().join(key).as_os_str()])[..64].to_owned();
        let named = shipped::assert_chain(self.segments(), hash, story);
        assert_eq!(named, objects.into_keys().collect::<Vec<_>>(), "{story}");
        assert_eq!(self.spooled(), BTreeMap::new(), "{story}");
        let debris = files_under(&self.store()).into_keys().find(|name| name.split('/').any(|part| part.starts_with('.')));
        assert_eq!(debris, None, "{story}");
    }

    /// The parcels that wait, and what their tickets say, by the ticket's path.
    pub fn parcels(&self) -> BTreeMap<PathBuf, Value> {
        let ready = self.spool().join("ready");
        let all = fs::read_dir(ready).into_iter().flatten().map(|entry| entry.expect("it was listed").path());
        let tickets = all.filter(|path| path.extension().is_some_and(|end| end == "json"));
        let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).expect("it was listed")).expect("a ticket is JSON");
        tickets.map(|path| (path.clone(), read(&path))).collect()
    }
}
