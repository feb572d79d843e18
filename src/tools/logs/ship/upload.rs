//! One parcel becomes one object. Where the store has one of that key already, it counts only if it holds the same text.

use crate::{
    failure::{Exit, Failure, Result},
    files::compress,
    store::{
        Access, Body, Cold, Key, Moved, Put, Standing, Store,
        notes::{Noted, Notes},
    },
    tools::logs::{
        fetch::{fetch, form},
        manifest::Object,
        parcel::{Parcel, about::about},
        spool::{Spool, Waiting},
    },
};

/// What came of a parcel.
#[derive(Debug)]
pub(super) enum Came {
    /// The store has it.
    Stored(Box<Uploaded>),
    /// The other side took it back meanwhile.
    TakenBack,
    /// What waits is not what was handed over, and why; that is no failure of the store.
    Damaged(String),
    /// What waits cannot be opened, and why; nor is that one.
    Unread(Failure),
}

/// A parcel that the store has.
#[derive(Debug)]
pub(in crate::tools::logs) struct Uploaded {
    /// The object.
    pub(in crate::tools::logs) object: Object,
    /// Whether it was there before.
    pub(in crate::tools::logs) was_there: bool,
}

/// Puts the parcel into the store.
pub(super) fn upload(store: &dyn Store, spool: &Spool, notes: &dyn Notes, waiting: &Waiting, moved: Moved) -> Result<Came> {
    let parcel = &waiting.parcel;
    let data = match spool.data(&waiting.id) {
        Ok(Some(data)) => data,
        Ok(None) => return Ok(Came::TakenBack),
        Err(failure) => return Ok(Came::Unread(failure)),
    };
    let body = Body::of_file(&data, parcel.facts.stored, &parcel.stored_sha256);
    match put(store, notes, parcel, body, moved) {
        Ok(uploaded) => Ok(Came::Stored(Box::new(uploaded))),
        Err(failure) if failure.exit == Exit::PersonNeeded || failure.is_given_up() => Err(failure),
        // Only now: it is read twice where something is wrong, and nowhere else.
        Err(failure) => spool.damage(waiting).map(Came::Damaged).ok_or(failure),
    }
}

/// Puts this body into the store as the object of the parcel.
pub(in crate::tools::logs) fn put(
    store: &dyn Store,
    notes: &dyn Notes,
    parcel: &Parcel,
    body: Body,
    moved: Moved,
) -> Result<Uploaded> {
    let key = parcel.key().ok_or_else(|| Failure::new("ship", &parcel.key).because("that is no key"))?;
    let body = body.about(about(parcel)).noted(Noted { notes, encoder: &parcel.facts.encoder });
    let (stored, sha256, was_there) = match store.put(&key, &body, moved)? {
        Put::Made => (parcel.facts.stored, parcel.stored_sha256.clone(), false),
        Put::Taken => {
            let (stored, sha256) = the_same(store, &key, parcel, &body)?;
            (stored, sha256, true)
        }
    };
    Ok(Uploaded { object: Object::of(parcel, stored, &sha256), was_there })
}

/// Reads the object that is there, and says what it is, if it holds the text of the parcel: of another compressor, perhaps.
fn the_same(store: &dyn Store, key: &Key, parcel: &Parcel, body: &Body) -> Result<(u64, String)> {
    // Its class may be one that cannot be read before somebody asks for it: whoever was killed just after it was made would wait for ever.
    let (stored, there) = ((parcel.facts.stored, parcel.stored_sha256.clone()), store.look(key)?);
    if let Some(Standing { access: Access::Frozen(cold) | Access::Thawing(cold), .. }) = there {
        return if store.says_it_has(key, body)? { Ok(stored) } else { Err(unread(store, key, cold)) };
    }
    let most = parcel.facts.stored.saturating_mul(4).saturating_add(1 << 20);
    let size = there.map_or(most, |there| there.size);
    if size > most {
        return Err(other(store, key));
    }
    if store.sha256(key, size)? == parcel.stored_sha256 {
        return Ok(stored);
    }
    let found = fetch(store, key, most, &|_| ())?;
    match compress::examine(&found.file, form(key.as_str()), &|_| ()) {
        Ok(text) if (&text.sha256, text.size) == (&parcel.facts.sha256, parcel.facts.size) => Ok((found.stored, found.sha256)),
        Err(failure) if failure.exit != Exit::PersonNeeded => Err(failure),
        _ => Err(other(store, key)),
    }
}

fn unread(store: &dyn Store, key: &Key, cold: Cold) -> Failure {
    let why =
        format!("an object is there under that key, it cannot be read ({cold}), and its checksum is not that of what waits");
    let hint = "`aws s3api restore-object` asks for it; when it can be read, `ship` compares their text";
    Failure::new("ship", store.shown(key)).because(why).hint(hint).exit(Exit::PersonNeeded)
}

/// Nobody overwrites it, and nothing here goes for it.
fn other(store: &dyn Store, key: &Key) -> Failure {
    Failure::new("ship", store.shown(key))
        .because("another object is there under that key, and it does not hold this text")
        .hint("find out who wrote it; what waits here stays until that object is gone")
        .exit(Exit::PersonNeeded)
}
