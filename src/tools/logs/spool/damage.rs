//! What waits and is not what its ticket says, as where a disk lost a bit. Whoever ships finds it and may remove nothing: it leaves a
//! doubt, an empty file beside the receipts. A doubt is not believed either; all that follows from it is a look.

use super::{RECEIPTS, Spool, Waiting, data_name};
use crate::{
    failure::Result,
    files::fingerprint,
    report::{Finding, Severity},
    tools::logs::parcel::ParcelId,
};

/// What the name of a doubt ends in.
pub(super) const DOUBT: &str = ".doubt";

impl Spool {
    /// Why what waits is not what was handed over; None when it is, or is not there at all. Reads all of it.
    pub fn damage(&self, waiting: &Waiting) -> Option<String> {
        self.damage_in_size(waiting).or_else(|| {
            let recorded = &waiting.parcel.stored_sha256;
            let found = self
                .data(&waiting.id)
                .and_then(|data| data.map(|data| fingerprint::of_file(&data, waiting.parcel.facts.stored)).transpose());
            match found {
                Ok(Some(found)) if found != *recorded => Some(format!("it has sha-256 {found}, and {recorded} was handed over")),
                Ok(_) => None,
                Err(failure) => Some(failure.to_string()),
            }
        })
    }

    /// The same by its size alone.
    pub fn damage_in_size(&self, waiting: &Waiting) -> Option<String> {
        let recorded = waiting.parcel.facts.stored;
        let found = waiting.bytes.filter(|found| *found != recorded)?;
        Some(format!("it has {found} bytes, and {recorded} were handed over"))
    }

    /// Whether whoever ships found it to be something else.
    pub fn is_doubted(&self, id: &ParcelId) -> bool {
        let found = self.folder(RECEIPTS).and_then(|folder| folder.map(|folder| folder.stat(&doubt_name(id))).transpose());
        matches!(found, Ok(Some(Some(_))))
    }

    /// Leaves a doubt; it survives a power cut when this returns.
    pub fn doubt(&self, id: &ParcelId) -> Result<()> {
        let folder = self.desk()?;
        let name = doubt_name(id);
        if folder.stat(&name)?.is_none() {
            folder.create(&name)?;
        }
        folder.sync()
    }
}

/// What is told of it, by whoever finds it.
pub fn finding(waiting: &Waiting, why: &str) -> Finding {
    let subject = format!("{} ({})", data_name(&waiting.id), waiting.parcel.name);
    let message = format!("what waits in the spool is not what was handed over: {why}");
    let finding = Finding::new("logs.parcel-damaged", Severity::Warning, subject, message);
    finding.hint("once `ops-logs ship` met it, the next rotation hands the archive over anew; look after the spool's disk")
}

fn doubt_name(id: &ParcelId) -> String {
    format!("{}{DOUBT}", id.as_str())
}
