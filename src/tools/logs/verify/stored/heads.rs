//! What signed heads prove of the end of a machine's manifest, to whoever did not make it. A good signature proves every segment up to the one
//! that it names, and that this one was the last when it was signed. It proves nothing of what came later: that could be gone with
//! its own heads.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    failure::{Exit, Result},
    report::{Finding, Incomplete, Report, Severity},
    store::{Address, Store, signer::PublicKey},
    tools::logs::manifest::{
        heads::{self, Statement},
        links::{Links, danger},
        stored::{Asking, Folders},
    },
};

/// Of one machine no more are looked at until one holds.
const MOST: usize = 20;
/// Clocks may differ by so much.
const APART: TimeDelta = TimeDelta::minutes(15);

/// The signed heads of a store.
pub(super) struct Heads {
    keys: Vec<Arc<dyn PublicKey>>,
    listed: Folders,
    /// Older than that, a head is told.
    fresh: Option<TimeDelta>,
    now: DateTime<Utc>,
}

/// One machine's manifest, as it was found.
pub(super) struct Found<'a> {
    /// The machine, for messages.
    pub(super) subject: &'a str,
    /// The folder that its segments and heads are in.
    pub(super) folder: &'a str,
    pub(super) chain: &'a Links,
    /// Whether it is known here how it must end.
    pub(super) is_remembered: bool,
}

impl Heads {
    /// Those of these machines, or all that there are where none is named, to be proven by any of these keys.
    pub(super) fn list(
        asking: Asking,
        keys: Vec<Arc<dyn PublicKey>>,
        hosts: &[String],
        (fresh, now): (Option<TimeDelta>, DateTime<Utc>),
    ) -> Result<Heads> {
        Ok(Heads { keys, listed: heads::of(asking, hosts)?, fresh, now })
    }

    /// The folders of machines that have any.
    pub(super) fn folders(&self) -> impl Iterator<Item = &String> {
        self.listed.keys()
    }

    /// What they prove of one machine's manifest, and what they say that is not so.
    pub(super) fn prove(&self, store: &dyn Store, address: &Address, found: &Found, report: &mut Report) {
        let none = BTreeMap::new();
        let of_machine = self.listed.get(found.folder).unwrap_or(&none);
        for (_, at) in of_machine.iter().rev().take(MOST) {
            match heads::read(store, at, &self.keys) {
                Ok(Some(said)) if agrees(&said, found, report) => return self.tell(&said, address, found, report),
                Ok(_) => {}
                Err(failure) if failure.exit == Exit::PersonNeeded => {
                    let finding = danger("logs.head-forged", &store.shown(at), failure.to_string());
                    let hint =
                        "find out who may write there; where the key is another one by now, name the old one too: --public-key";
                    report.findings.push(finding.hint(hint));
                }
                Err(failure) => return report.incomplete.push(Incomplete::from(&failure)),
            }
        }
        let message = if of_machine.is_empty() {
            "nobody signed how its manifest ends: whether its end is missing is unproven"
        } else {
            "no signed head agrees with its manifest: whether its end is missing is unproven"
        };
        let finding = Finding::new("logs.head-missing", Severity::Warning, found.subject, message);
        report.findings.push(finding.hint("sign-key in [store] of that machine; if it signs, find out who removed its heads"));
    }

    /// What a head that holds comes to.
    fn tell(&self, said: &Statement, address: &Address, found: &Found, report: &mut Report) {
        let Statement { number, signed_at, .. } = said;
        let at = signed_at.format("%FT%TZ");
        if said.store != address.to_string() {
            // Nothing is ever signed for a folder: there it is a copy, and whoever made it knows of what.
            let severity = if matches!(address, Address::Folder(_)) { Severity::Note } else { Severity::Warning };
            let message = format!("its manifest was signed for {}", said.store);
            let finding = Finding::new("logs.head-elsewhere", severity, found.subject, message);
            report
                .findings
                .push(finding.hint("a copy of that store is as good; another store's in the place of this one's is not"));
        }
        let stale =
            |message: String, hint: &str| Finding::new("logs.head-stale", Severity::Warning, found.subject, message).hint(hint);
        let age = self.now - *signed_at;
        if -age > APART {
            let hint = "see which of the two machines' clocks is wrong";
            return report.findings.push(stale(format!("its newest signed head is of {at}, which is still to come"), hint));
        }
        if self.fresh.is_some_and(|fresh| age > fresh) {
            let message =
                format!("its newest signed head is of {at} (segment {number}): what it said later may have been removed");
            let hint = "see whether that machine still ships; if it does, find out who removed what it said";
            return report.findings.push(stale(message, hint));
        }
        if found.is_remembered || !found.chain.unbroken {
            return;
        }
        let last = found.chain.last;
        let unsigned = if last > *number { format!(" (it goes on to {last}, which nobody signed)") } else { String::new() };
        let message =
            format!("its manifest is proven up to segment {number}, signed {at}{unsigned}; nothing after that is proven");
        let finding = Finding::new("logs.head-proven", Severity::Note, found.subject, message);
        report.findings.push(finding.hint("`--fresh 26h` asks for a person where that is longer ago"));
    }
}

/// Whether the segment is there, as it was signed.
fn agrees(said: &Statement, found: &Found, report: &mut Report) -> bool {
    let Statement { number, sha256, signed_at, .. } = said;
    let at = signed_at.format("%FT%TZ");
    match found.chain.hashes.get(number) {
        Some(hash) if hash == sha256 => true,
        Some(_) => {
            let message = format!("segment {number} is not the one that was signed {at}");
            report.findings.push(danger("logs.segment-differs", found.subject, message));
            false
        }
        None => {
            let last = found.chain.last;
            let told = report.findings.iter().any(|one| one.id == "logs.tail-missing" && one.subject == found.subject);
            if *number > last && !told {
                let message = format!("its manifest ends with segment {last}, and segment {number} was signed {at}");
                report.findings.push(danger("logs.tail-missing", found.subject, message));
            }
            false
        }
    }
}
