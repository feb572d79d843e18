//! Where this machine remembers its manifests: beside the receipts, so that whoever acts for it goes on with one chain, whatever state
//! folder a run has. Only who may write receipts writes there. A machine without a spool remembers in its state, as all did once;
//! what is found there moves when it is written next. Decides nothing of what is said.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::chain::Chain;
use crate::{
    failure::{Doing, Failure, Result},
    files::fingerprint,
    tools::logs::{manifest, paper, spool::Spool},
};

/// The memory of a machine.
#[derive(Clone, Debug)]
pub struct Memory {
    spool: Option<Spool>,
    state: PathBuf,
}

impl Memory {
    /// That of the machine with this spool; a run that has this state may have written it there before there was one.
    pub fn of(spool: Option<&Spool>, state: &Path) -> Memory {
        Memory { spool: spool.cloned(), state: state.to_owned() }
    }

    /// What is remembered of a store; nothing yet where nobody wrote anything down.
    pub fn recall(&self, host: &str, store: &str) -> Result<Chain> {
        let name = name(store);
        let beside_receipts = match &self.spool {
            Some(spool) => spool.recall(&name, 2 * manifest::LONGEST)?,
            None => None,
        };
        let old = self.state.join(&name);
        let here = beside_receipts.map(|(shown, text)| read(&shown, &text)).transpose()?;
        let there = paper::kept(&old, 2 * manifest::LONGEST)?.map(|text| read(&old.display().to_string(), &text)).transpose()?;
        // What another machine did, whose disk this one has a copy of, is that machine's.
        let ours = |chain: &Chain| chain.host == host;
        let fresh = Chain { host: host.to_owned(), store: store.to_owned(), ..Chain::default() };
        Ok(newest(here.filter(ours), there.filter(ours)).unwrap_or(fresh))
    }

    /// Where it is remembered.
    pub fn place(&self, store: &str) -> Result<PathBuf> {
        let desk = self.spool.as_ref().map(Spool::desk_if_any).transpose()?.flatten();
        Ok(desk.map_or_else(|| self.state.join(name(store)), |desk| desk.path().join(name(store))))
    }

    /// Remembers; it survives a power cut when this returns.
    pub fn keep(&self, chain: &Chain) -> Result<()> {
        let (old, place) = (self.state.join(name(&chain.store)), self.place(&chain.store)?);
        paper::keep(&place, chain)?;
        if place == old {
            return Ok(());
        }
        // Whoever is killed before this, or loses it with the power, leaves one that is not newer.
        match fs::remove_file(&old) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error).doing("remove", old.display()),
            _ => Ok(()),
        }
    }
}

/// The one that knows of more segments: an ops-logs from before there was a memory beside the receipts may have gone on with the other.
fn newest(here: Option<Chain>, there: Option<Chain>) -> Option<Chain> {
    let number = |chain: &Chain| chain.head.as_ref().map_or(0, |head| head.number);
    match (here, there) {
        (Some(here), Some(there)) => Some(if number(&there) > number(&here) { there } else { here }),
        (here, there) => here.or(there),
    }
}

fn read(shown: &str, text: &[u8]) -> Result<Chain> {
    let hint = "move it away: the store itself then says which segment was the last, and nothing proves that it was";
    paper::read(text).map_err(|why| Failure::new("read", shown).because(why).hint(hint))
}

/// One file for each store.
fn name(store: &str) -> String {
    format!("chain-{}.json", &fingerprint::of(store.as_bytes())[..16])
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::{super::chain::Head, *};

    fn chain(number: u64, sha256: &str) -> Chain {
        let head = Head { number, sha256: sha256.to_owned(), made_at: DateTime::UNIX_EPOCH };
        Chain { host: "web".to_owned(), store: "file:///a".to_owned(), head: Some(head), pending: None, signed: None }
    }

    #[test]
    fn what_was_remembered_in_the_state_moves_beside_the_receipts_when_it_is_written_next() {
        let home = tempfile::tempdir().unwrap();
        let (state, spool) = (home.path().join("state"), Spool::at(home.path().join("spool")));
        fs::create_dir(&state).unwrap();
        let memory = Memory::of(Some(&spool), &state);
        memory.keep(&chain(1, "a")).unwrap();
        let (old, new) = (state.join(name("file:///a")), spool.path().join("receipts").join(name("file:///a")));
        assert!(old.exists(), "there is no spool yet");
        fs::create_dir_all(new.parent().unwrap()).unwrap();
        assert_eq!(memory.recall("web", "file:///a").unwrap(), chain(1, "a"));
        memory.keep(&chain(2, "b")).unwrap();
        assert!(new.exists() && !old.exists());
        let elsewhere = Memory::of(Some(&spool), &home.path().join("other"));
        assert_eq!(elsewhere.recall("web", "file:///a").unwrap(), chain(2, "b"), "whatever state a run has");
        assert_eq!(elsewhere.recall("db", "file:///a").unwrap().head, None, "another machine's");
        assert_eq!(elsewhere.recall("web", "file:///b").unwrap().head, None, "of another store");
    }

    #[test]
    fn of_two_memories_the_one_counts_that_knows_of_more_segments() {
        for (here, there, counts) in [(2, 2, "here"), (3, 2, "here"), (2, 3, "there")] {
            let found = newest(Some(chain(here, "here")), Some(chain(there, "there"))).and_then(|chain| chain.head);
            assert_eq!(found.unwrap().sha256, counts);
        }
    }
}
