//! Has the end of this machine's manifest signed. Only what the store has is signed, and each end once; what could not be signed now is
//! the next run's to make up for, and keeps nothing from being shipped.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Register;
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Outcome, Report, Step},
    store::{
        Body, Put, Terms,
        signer::{self, PublicKey},
    },
    tools::logs::{
        manifest::{
            chain::Head,
            heads::{self, SignedHead, Statement},
        },
        paper,
    },
};

/// What signs, and who asks it to.
#[derive(Clone, Debug)]
pub struct SignKey {
    /// The key's id, ARN or alias in KMS.
    pub key: String,
    /// Who asks.
    pub terms: Terms,
}

impl Register<'_> {
    /// Has the end of the manifest signed, unless it is, and tells what came of it.
    pub fn sign_end(&mut self, with: &SignKey, now: DateTime<Utc>, report: &mut Report) {
        let Some(head) = self.chain.unsigned().cloned() else { return };
        let number = head.number;
        let subject = heads::key(&self.chain.host, number).map_or_else(String::new, |at| at.to_string());
        match self.signed_by(with, head, now) {
            Ok(by) => {
                let why = format!("segment {number} is the end of this machine's manifest, says {by}");
                report.steps.push(Step::new("sign", subject, Outcome::Done, why));
            }
            Err(failure) => {
                if failure.exit == Exit::PersonNeeded {
                    report.findings.push(Finding::of("logs.head-forged", subject.clone(), &failure));
                }
                let why = format!("{}; the next run tries again", failure.told());
                report.steps.push(Step::new("sign", subject, Outcome::Failed, why));
            }
        }
    }

    /// Who signed it.
    fn signed_by(&mut self, with: &SignKey, head: Head, now: DateTime<Utc>) -> Result<String> {
        let Head { number, sha256, made_at } = head;
        let at = heads::key(&self.chain.host, number).ok_or_else(|| Failure::new("name", format!("head {number}")))?;
        let signer = signer::signer(&with.key, &with.terms)?;
        let statement =
            Statement { host: self.chain.host.clone(), store: self.chain.store.clone(), number, sha256, made_at, signed_at: now };
        let text = paper::text(&statement);
        let signature = signer.sign(&text)?;
        let by = signature.key.clone();
        let head = paper::text(&SignedHead::of(&text, signature));
        if self.store.put(&at, &Body::of(&head), &|_| ())? == Put::Taken {
            // An earlier run that did not come to remember it; or whoever else may write there.
            let found = heads::read(self.store, &at, &[signer as Arc<dyn PublicKey>])?;
            let ours = |found: Statement| Statement { signed_at: now, ..found } == statement;
            if !found.is_some_and(ours) {
                let failure =
                    Failure::new("sign", self.store.shown(&at)).because("there is a head of that name, and it is another one");
                return Err(failure.hint("find out who may use the key, and who may write there").exit(Exit::PersonNeeded));
            }
        }
        self.chain.signed = Some(number);
        self.memory.keep(&self.chain)?;
        Ok(by)
    }
}
