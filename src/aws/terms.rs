//! How a bucket is reached, and what is asked for each object that is put there. Plain data: no SDK here, and no wish is checked here.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The terms on which a bucket is used. What is left open is as the SDK finds it: in its variables, files and the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Who asks, as the files of AWS name it.
    pub profile: Option<String>,
    /// Where the bucket is.
    pub region: Option<String>,
    /// Who answers for it, when not AWS itself, or by another way.
    pub endpoint: Option<String>,
    /// Name the bucket in the path, not in the host's name.
    pub path_style: bool,
    /// The role to take on first.
    pub role: Option<String>,
    /// The account that must own it.
    pub bucket_owner: Option<String>,
    /// The KMS key that encrypts objects.
    pub kms_key: Option<String>,
    /// The class of what is rarely read.
    pub storage_class: Option<StorageClass>,
    /// What every object is tagged with.
    pub tags: BTreeMap<String, String>,
    /// Until when nobody may remove what is put there.
    pub lock: Option<Lock>,
    /// How the store proves what it has.
    pub checksum: ChecksumKind,
    /// What is on its way there takes so much memory at most.
    pub max_memory: Option<u64>,
    /// So many bytes a second are sent there at most, all together.
    pub bandwidth: Option<u64>,
}

/// Until when nobody may remove an object. Legal holds are somebody else's, and left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Who may do it all the same.
    pub mode: LockMode,
    /// Until then.
    pub until: DateTime<Utc>,
}

/// Who may remove a locked object before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LockMode {
    /// Whoever has the right to (s3:BypassGovernanceRetention).
    Governance,
    /// Nobody, not even the account's root.
    Compliance,
}

/// How a store proves what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChecksumKind {
    /// CRC-64/NVME of the whole object.
    #[default]
    Crc64nvme,
    /// CRC-32 of the whole object.
    Crc32,
    /// SHA-256; of a large object, that of its parts' sums.
    Sha256,
    /// It cannot: each object is read again after it was made.
    None,
}

/// What it costs to keep an object, and to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "these are the names that S3 gives them")]
pub enum StorageClass {
    Standard,
    StandardIa,
    OnezoneIa,
    IntelligentTiering,
    GlacierIr,
    Glacier,
    DeepArchive,
}

impl StorageClass {
    /// As S3 spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            StorageClass::Standard => "STANDARD",
            StorageClass::StandardIa => "STANDARD_IA",
            StorageClass::OnezoneIa => "ONEZONE_IA",
            StorageClass::IntelligentTiering => "INTELLIGENT_TIERING",
            StorageClass::GlacierIr => "GLACIER_IR",
            StorageClass::Glacier => "GLACIER",
            StorageClass::DeepArchive => "DEEP_ARCHIVE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_spell_a_class_as_s3_does() {
        for class in [
            StorageClass::Standard,
            StorageClass::StandardIa,
            StorageClass::OnezoneIa,
            StorageClass::IntelligentTiering,
            StorageClass::GlacierIr,
            StorageClass::Glacier,
            StorageClass::DeepArchive,
        ] {
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
    }
}
