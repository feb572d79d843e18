//! What forbids to remove an object: its retention, a legal hold. In a bucket with versions a plain delete would only hide a locked object, and
//! succeed; so it is asked for, and what nobody may tell, or the store does not say clearly, counts as a lock.

use aws_sdk_s3::types::{ObjectLockEventHold, ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockRetention};
use chrono::DateTime;

use super::Bucket;
use crate::{
    aws::standing::Hold,
    failure::{Failure, Result},
};

impl Bucket {
    /// What forbids to remove the object, if anything does.
    pub fn held(&self, name: &str) -> Result<Option<Hold>> {
        if !self.may_lock() {
            return Ok(None);
        }
        let unclear = |doing, why| Failure::new(doing, self.shown(name)).because(why);
        let call = self.asking.get_object_legal_hold().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        let doing = "see whether a legal hold is on";
        let legal = match self.wait(call.send()) {
            Ok(found) => legal(found.legal_hold).map_err(|why| unclear(doing, why))?,
            Err(refusal) if refusal.is_without_lock() => None,
            Err(refusal) => return Err(self.failure(&refusal, doing, name, "s3:GetObjectLegalHold")),
        };
        if legal.is_some() {
            return Ok(legal);
        }
        let call = self.asking.get_object_retention().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        let doing = "see until when the store locks";
        match self.wait(call.send()) {
            Ok(found) => retained(found.retention).map_err(|why| unclear(doing, why)),
            Err(refusal) if refusal.is_without_lock() => Ok(None),
            Err(refusal) => Err(self.failure(&refusal, doing, name, "s3:GetObjectRetention")),
        }
    }

    /// Whether objects of the bucket can be locked at all. Where nobody may tell, or whatever it is that the store calls its rule, each is asked for.
    fn may_lock(&self) -> bool {
        *self.locks.get_or_init(|| {
            let call = self.asking.get_object_lock_configuration().bucket(&self.name).set_expected_bucket_owner(self.owner());
            self.wait(call.send()).map_or_else(|refusal| !refusal.is_without_lock(), |_| true)
        })
    }
}

/// The hold that is told; or why that says nothing.
fn legal(told: Option<ObjectLockLegalHold>) -> std::result::Result<Option<Hold>, &'static str> {
    match told.and_then(|hold| hold.status) {
        Some(ObjectLockLegalHoldStatus::On) => Ok(Some(Hold::Legal)),
        Some(ObjectLockLegalHoldStatus::Off) => Ok(None),
        _ => Err("the store says neither ON nor OFF"),
    }
}

/// The retention that is told; or why that says nothing.
fn retained(told: Option<ObjectLockRetention>) -> std::result::Result<Option<Hold>, &'static str> {
    let told = told.ok_or("the store answers, and tells no retention")?;
    match told.event_hold {
        None | Some(ObjectLockEventHold::Off) => {}
        Some(ObjectLockEventHold::On) => return Ok(Some(Hold::Event)),
        Some(_) => return Err("of an event hold the store says neither ON nor OFF"),
    }
    let until = told.retain_until_date.and_then(|until| DateTime::from_timestamp(until.secs(), until.subsec_nanos()));
    until.map(|until| Some(Hold::Until(until))).ok_or("the store tells of a retention, and no date that can be read")
}
