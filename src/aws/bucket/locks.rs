//! What forbids to remove an object: its retention, a legal hold. In a bucket with versions a plain delete would only hide a locked object, and
//! succeed; so it is asked for, and what nobody may tell counts as a lock.

use aws_sdk_s3::types::{ObjectLockEnabled, ObjectLockLegalHoldStatus};

use super::Bucket;
use crate::{aws::standing::Hold, failure::Result};

impl Bucket {
    /// What forbids to remove the object, if anything does.
    pub fn held(&self, name: &str) -> Result<Option<Hold>> {
        if !self.may_lock() {
            return Ok(None);
        }
        let call = self.asking.get_object_legal_hold().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        let legal = match self.wait(call.send()) {
            Ok(found) => found.legal_hold.and_then(|hold| hold.status),
            Err(refusal) if refusal.is_without_lock() => None,
            Err(refusal) => return Err(self.failure(&refusal, "see whether a legal hold is on", name, "s3:GetObjectLegalHold")),
        };
        if legal == Some(ObjectLockLegalHoldStatus::On) {
            return Ok(Some(Hold::Legal));
        }
        let call = self.asking.get_object_retention().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        let until = match self.wait(call.send()) {
            Ok(found) => found.retention.and_then(|retention| retention.retain_until_date),
            Err(refusal) if refusal.is_without_lock() => None,
            Err(refusal) => return Err(self.failure(&refusal, "see until when the store locks", name, "s3:GetObjectRetention")),
        };
        let until = until.and_then(|until| chrono::DateTime::from_timestamp(until.secs(), until.subsec_nanos()));
        Ok(until.map(Hold::Until))
    }

    /// Whether objects of the bucket can be locked at all. Where nobody may tell, each is asked for.
    fn may_lock(&self) -> bool {
        *self.locks.get_or_init(|| {
            let call = self.asking.get_object_lock_configuration().bucket(&self.name).set_expected_bucket_owner(self.owner());
            match self.wait(call.send()) {
                Ok(found) => {
                    let enabled = found.object_lock_configuration.and_then(|found| found.object_lock_enabled);
                    enabled == Some(ObjectLockEnabled::Enabled)
                }
                Err(refusal) => !refusal.is_without_lock(),
            }
        })
    }
}
