//! What the store says of an object without sending it, and the wish to have one brought back that is in a class that must be asked for.

use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput,
    types::{ArchiveStatus, GlacierJobParameters, RestoreRequest, StorageClass, Tier as TheirTier},
};

use super::{Bucket, attributes::DIGEST};
use crate::{
    aws::standing::{Access, Cold, Standing, Tier},
    failure::Result,
};

impl Bucket {
    /// What is known of an object; None when there is none.
    pub fn look(&self, name: &str) -> Result<Option<Standing>> {
        let call = self.asking.head_object().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        match self.wait(call.send()) {
            Err(refusal) if refusal.is_absence() => Ok(None),
            Err(refusal) => Err(self.failure(&refusal, "look at", name, "s3:GetObject and s3:ListBucket")),
            Ok(head) => Ok(Some(Standing {
                size: self.size(name, head.content_length)?,
                sha256: head.metadata.as_ref().and_then(|all| all.get(DIGEST)).cloned(),
                made_at: head.last_modified.and_then(|at| chrono::DateTime::from_timestamp(at.secs(), at.subsec_nanos())),
                access: access(&head),
            })),
        }
    }

    /// Asks for an object in a cold class. One that is on its way already is as good.
    pub fn thaw(&self, name: &str, cold: Cold, tier: Tier, days: u16) -> Result<()> {
        let tier = match tier {
            Tier::Bulk => TheirTier::Bulk,
            Tier::Standard => TheirTier::Standard,
            Tier::Expedited => TheirTier::Expedited,
        };
        let how = GlacierJobParameters::builder()
            .tier(tier)
            .build()
            .map_err(|error| crate::failure::Failure::new("ask for", self.shown(name)).because(error))?;
        let wish = RestoreRequest::builder().glacier_job_parameters(how);
        let wish = if cold.lends() { wish.days(days.into()) } else { wish };
        let call = self.client.restore_object().bucket(&self.name).key(name).restore_request(wish.build());
        match self.wait(call.set_expected_bucket_owner(self.owner()).send()) {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.is_under_way() => Ok(()),
            Err(refusal) => Err(self.failure(&refusal, "ask for", name, "s3:RestoreObject")),
        }
    }
}

fn access(head: &HeadObjectOutput) -> Access {
    let cold = match (&head.storage_class, &head.archive_status) {
        (_, Some(ArchiveStatus::ArchiveAccess)) => Cold::ArchiveAccess,
        (_, Some(ArchiveStatus::DeepArchiveAccess)) => Cold::DeepArchiveAccess,
        (Some(StorageClass::Glacier), _) => Cold::Glacier,
        (Some(StorageClass::DeepArchive), _) => Cold::DeepArchive,
        _ => return Access::Ready,
    };
    match head.restore.as_deref() {
        Some(said) if said.contains("ongoing-request=\"true\"") => Access::Thawing(cold),
        Some(said) if said.contains("ongoing-request=\"false\"") => Access::Ready,
        _ => Access::Frozen(cold),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frozen_on_its_way_or_there_is_told_apart() {
        let head = |class: &str, restore: Option<&str>| {
            let head = HeadObjectOutput::builder().storage_class(StorageClass::from(class));
            access(&head.set_restore(restore.map(str::to_owned)).build())
        };
        for ready in ["STANDARD", "GLACIER_IR", "INTELLIGENT_TIERING", "STANDARD_IA"] {
            assert_eq!(head(ready, None), Access::Ready, "{ready}");
        }
        assert_eq!(head("GLACIER", None), Access::Frozen(Cold::Glacier));
        assert_eq!(head("DEEP_ARCHIVE", Some("ongoing-request=\"true\"")), Access::Thawing(Cold::DeepArchive));
        let there = "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2029 00:00:00 GMT\"";
        assert_eq!(head("DEEP_ARCHIVE", Some(there)), Access::Ready);
        let tiered = HeadObjectOutput::builder().storage_class(StorageClass::IntelligentTiering);
        assert_eq!(access(&tiered.archive_status(ArchiveStatus::ArchiveAccess).build()), Access::Frozen(Cold::ArchiveAccess));
    }
}
