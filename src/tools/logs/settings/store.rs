//! Where archives go for good, as `[store]` says it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::contradiction;
use crate::{
    aws::reach::{is_endpoint, is_one_word, is_profile, is_region, is_role},
    settings::units::{Bytes, Span},
    store::{Address, ChecksumKind, Lock, LockMode, StorageClass, Terms, pace},
    tool::Contradiction,
    tools::logs::{
        cost::{PriceWords, Tariff},
        rotate::plan::company::Company,
    },
};

/// Where the spool of a machine is, unless the settings say.
const SPOOL: &str = "/var/spool/opsbelt/logs";
/// How much waits in it at most, unless the settings say.
const SPOOL_MAX: Bytes = Bytes(1 << 30);

/// What may be said of the store.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreWords {
    /// Where archives go for good: `file:///srv/archive`, `s3://bucket/prefix`. The folder, or the bucket, must be there.
    pub url: Address,
    /// Where `rotate` puts what `ship` is to take. /var/spool/opsbelt/logs when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spool: Option<PathBuf>,
    /// How much may wait there; the rest waits where it is. 1 GiB when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spool_max: Option<Bytes>,
    /// Smaller archives wait where they are until so much of one log and one day (UTC) is together, and become one object. Each archive is an
    /// object when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_object: Option<Bytes>,
    /// With `min-object`: no archive waits longer than this for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_delay: Option<Span>,
    /// Who asks, as the files of AWS name it. Left out: as every AWS tool finds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The bucket's region. Left out: as every AWS tool finds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Who answers for the bucket: a VPC endpoint, or another store that talks like S3. AWS when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Name the bucket in the path, as other stores want it. false when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// The role (its ARN) to take on before the bucket is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The account (12 digits) that must own the bucket; of another one's, every call is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_owner: Option<String>,
    /// The KMS key that encrypts what is put there, with a bucket key. As the bucket says, when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<String>,
    /// The class of archives. As the bucket says, when left out; manifests are always in that of the bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<StorageClass>,
    /// What every object is tagged with, 10 at most.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub tags: BTreeMap<String, String>,
    /// Until when nobody may remove what is put there; the bucket must be made for it. As the bucket says, when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockWords>,
    /// How the bucket proves what it has: "crc64nvme", "crc32", "sha256"; "none" reads each object again. "crc64nvme" when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<ChecksumKind>,
    /// How much memory what is on its way may take: so many parts of 8 MiB, and files of 4 MiB or less, are on their way at a time. Not
    /// `parallel`: that is about work on this machine, and a network is waited for. 96 MiB when left out, 16 MiB at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_memory: Option<Bytes>,
    /// How many bytes a second are sent at most, all together: 64 KiB at least. As fast as it goes, when left out; to be said where the line
    /// takes less than 512 KiB a second, so that no call is given up that is only slow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bytes>,
    /// The asymmetric key of KMS that signs the end of each machine's manifest (`ship`, `prune`), so that `verify` can prove it anywhere:
    /// its ARN, its id or `alias/NAME`; of the kind `ECC_NIST_P256`, or RSA. Nothing is signed when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_key: Option<String>,
    /// What the bucket costs, in dollars, for what `plan` says of it. AWS's list prices for us-east-1 when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<PriceWords>,
}

/// Until when nobody may remove what is put there (object lock).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LockWords {
    /// "governance": only who has a right of its own for it; "compliance": nobody at all.
    pub mode: LockMode,
    /// For so long from when it is put there.
    #[serde(rename = "for")]
    pub span: Span,
}

impl LockWords {
    /// S3 takes no more.
    const LONGEST: Span = Span::days(36_500);

    /// For what is put there now.
    pub fn from(self, now: DateTime<Utc>) -> Lock {
        Lock { mode: self.mode, until: now + self.span.chrono() }
    }
}

impl StoreWords {
    /// Where the spool is.
    pub fn spool(&self) -> &Path {
        self.spool.as_deref().unwrap_or(Path::new(SPOOL))
    }

    /// How many bytes may wait in it.
    pub fn spool_max(&self) -> u64 {
        self.spool_max.unwrap_or(SPOOL_MAX).0
    }

    /// How small archives wait for company; None: they do not.
    pub fn company(&self) -> Option<Company> {
        let (enough, delay) = self.min_object.zip(self.max_delay)?;
        Some(Company { enough: enough.0, delay: delay.chrono() })
    }

    /// On what terms the bucket is used; until when something is locked depends on when it is put there.
    pub fn terms(&self) -> Terms {
        Terms {
            profile: self.profile.clone(),
            lock: None,
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            path_style: self.path_style.unwrap_or(false),
            role: self.role.clone(),
            bucket_owner: self.bucket_owner.clone(),
            kms_key: self.kms_key.clone(),
            storage_class: self.storage_class,
            tags: self.tags.clone(),
            checksum: self.checksum.unwrap_or_default(),
            max_memory: self.max_memory.map(|bytes| bytes.0),
            bandwidth: self.bandwidth.map(|bytes| bytes.0),
        }
    }

    /// What it costs to put something there; None where nobody knows.
    pub fn tariff(&self) -> Option<Tariff> {
        let foreign = self.endpoint.as_ref().is_some_and(|endpoint| !endpoint.contains(".amazonaws.com"));
        let known = matches!(self.url, Address::Bucket { .. }) && (self.prices.is_some() || !foreign);
        known.then(|| Tariff::new(self.storage_class, self.prices.unwrap_or_default()))
    }

    /// The same without gaps.
    pub(super) fn whole(&self) -> StoreWords {
        let spool_max = Some(self.spool_max.unwrap_or(SPOOL_MAX));
        let whole = StoreWords { spool: Some(self.spool().to_owned()), spool_max, ..self.clone() };
        match self.url {
            Address::Folder(_) => whole,
            Address::Bucket { .. } => {
                let Terms { path_style, checksum, .. } = self.terms();
                let max_memory = Some(self.max_memory.unwrap_or(Bytes(pace::MEMORY)));
                StoreWords { path_style: Some(path_style), checksum: Some(checksum), max_memory, ..whole }
            }
        }
    }

    /// What is wrong with what is said of a bucket.
    pub(in crate::tools::logs) fn check(&self) -> Vec<Contradiction> {
        if matches!(self.url, Address::Folder(_)) {
            let refuse = |(word, _): (&str, bool)| {
                let problem = format!("only a bucket has a {word}");
                contradiction(format!("store.{word}"), problem, "leave it out, or url = \"s3://bucket/prefix\"")
            };
            return self.of_buckets().into_iter().filter(|(_, said)| *said).map(refuse).collect();
        }
        let mut found = Vec::new();
        let mut refuse = |word: &str, wrong: bool, problem: &str, hint: &str| {
            if wrong {
                found.push(contradiction(format!("store.{word}"), problem.to_owned(), hint));
            }
        };
        let said = |word: &Option<String>, good: &dyn Fn(&str) -> bool| word.as_deref().is_some_and(|word| !good(word));
        let digits = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        refuse("profile", said(&self.profile, &is_profile), "that is no name of a profile", "profile = \"ship\"");
        refuse("region", said(&self.region, &is_region), "that is no name of a region", "region = \"eu-central-1\"");
        refuse("endpoint", said(&self.endpoint, &is_endpoint), "that is no URL", "endpoint = \"https://s3.example.org\"");
        let arn = "role = \"arn:aws:iam::123456789012:role/ship\"";
        refuse("role", said(&self.role, &is_role), "that is no ARN of a role", arn);
        refuse("bucket-owner", said(&self.bucket_owner, &digits), "an account has 12 digits", "bucket-owner = \"123456789012\"");
        refuse("sign-key", said(&self.sign_key, &is_one_word), "that is no key", "the key's ARN, its id, or alias/NAME");
        refuse("kms-key", said(&self.kms_key, &is_one_word), "that is no key", "the key's ARN, its id, or alias/NAME");
        let fits = |(key, value): (&String, &String)| {
            let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || " +-=._:/@".contains(c));
            (1..=128).contains(&key.chars().count())
                && value.chars().count() <= 256
                && plain(key)
                && plain(value)
                && !key.starts_with("aws:")
        };
        let less = |word: Option<Bytes>, least: u64| word.is_some_and(|word| word.0 < least);
        let two = less(self.max_memory, pace::LEAST_MEMORY);
        refuse("max-memory", two, "two parts of 8 MiB must fit", "max-memory = \"16 MiB\"");
        let slow = less(self.bandwidth, pace::LEAST_BANDWIDTH);
        refuse("bandwidth", slow, "a part would take longer than logins last", "bandwidth = \"64 KiB\", or more");
        let why = "S3 takes 10 tags of letters, digits, blanks and +-=._:/@, 128 in a name and 256 in a value";
        let wrong = self.prices.is_some_and(|prices| !prices.are_prices());
        refuse("prices", wrong, "that is no price", "prices = { put = 0.005, get = 0.0004, storage = 0.023 }");
        refuse("tags", self.tags.len() > 10 || !self.tags.iter().all(fits), why, "tags = { team = \"web\" }");
        if let Some(lock) = self.lock {
            let fits = (Span::days(1)..=LockWords::LONGEST).contains(&lock.span);
            let hint = "lock = { mode = \"governance\", for = \"365d\" }";
            refuse("lock.for", !fits, "S3 locks for a day at least, and a hundred years at most", hint);
            let unsure = self.checksum == Some(ChecksumKind::None);
            refuse("lock", unsure, "what is locked must come with a checksum", "another checksum than \"none\", or no lock");
        }
        found
    }

    /// The words that only a bucket knows, and whether they are said.
    fn of_buckets(&self) -> [(&'static str, bool); 15] {
        [
            ("profile", self.profile.is_some()),
            ("region", self.region.is_some()),
            ("endpoint", self.endpoint.is_some()),
            ("path-style", self.path_style.is_some()),
            ("role", self.role.is_some()),
            ("bucket-owner", self.bucket_owner.is_some()),
            ("kms-key", self.kms_key.is_some()),
            ("storage-class", self.storage_class.is_some()),
            ("tags", !self.tags.is_empty()),
            ("lock", self.lock.is_some()),
            ("checksum", self.checksum.is_some()),
            ("prices", self.prices.is_some()),
            ("max-memory", self.max_memory.is_some()),
            ("bandwidth", self.bandwidth.is_some()),
            ("sign-key", self.sign_key.is_some()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_knows_what_another_store_than_aws_costs() {
        let known = |words: &str| toml::from_str::<StoreWords>(words).unwrap().tariff().is_some();
        assert!(known("url = \"s3://bucket\""));
        assert!(known("url = \"s3://bucket\"\nendpoint = \"https://vpce-1.s3.us-east-1.vpce.amazonaws.com\""));
        assert!(!known("url = \"s3://bucket\"\nendpoint = \"https://s3.example.org\""));
        assert!(known("url = \"s3://bucket\"\nendpoint = \"https://s3.example.org\"\nprices = { storage = 0.01 }"));
        assert!(!known("url = \"file:///srv/archive\""));
    }

    fn wrong(text: &str) -> Vec<String> {
        let words: StoreWords = toml::from_str(text).unwrap();
        words.check().into_iter().map(|found| found.key).collect()
    }

    #[test]
    fn a_folder_has_nothing_that_a_bucket_has() {
        let all = "region = \"a\"\nendpoint = \"http://a\"\npath-style = false\nrole = \"arn:a\"\nbucket-owner = \"123456789012\"\n\
                   kms-key = \"a\"\nstorage-class = \"STANDARD_IA\"\nchecksum = \"crc32\"\ntags = { a = \"b\" }\n\
                   profile = \"a\"\nlock = { mode = \"compliance\", for = \"1d\" }\nprices = { put = 1.0 }\nmax-memory = \"16 MiB\"\nbandwidth = \"64 KiB\"\n\
                   sign-key = \"alias/heads\"";
        assert_eq!(wrong(&format!("url = \"file:///a\"\n{all}")).len(), 15);
        assert_eq!(wrong(&format!("url = \"s3://bucket\"\n{all}")), Vec::<String>::new());
        assert_eq!(wrong("url = \"file:///a\""), Vec::<String>::new());
    }

    #[test]
    fn what_no_bucket_can_have_is_refused() {
        for (words, key) in [
            ("region = \"eu central\"", "store.region"),
            ("endpoint = \"s3.example.org\"", "store.endpoint"),
            ("endpoint = \"https://\"", "store.endpoint"),
            ("role = \"ship\"", "store.role"),
            ("bucket-owner = \"1234\"", "store.bucket-owner"),
            ("kms-key = \"\"", "store.kms-key"),
            ("sign-key = \"my key\"", "store.sign-key"),
            ("max-memory = \"15 MiB\"", "store.max-memory"),
            ("bandwidth = \"10 KiB\"", "store.bandwidth"),
            ("tags = { \"aws:x\" = \"y\" }", "store.tags"),
            ("tags = { a = \"b#\" }", "store.tags"),
            ("prices = { get = -0.1 }", "store.prices"),
            ("profile = \"a]\"", "store.profile"),
            ("lock = { mode = \"governance\", for = \"365m\" }", "store.lock.for"),
            ("lock = { mode = \"governance\", for = \"40000d\" }", "store.lock.for"),
            ("lock = { mode = \"compliance\", for = \"1d\" }\nchecksum = \"none\"", "store.lock"),
        ] {
            assert_eq!(wrong(&format!("url = \"s3://bucket\"\n{words}")), [key], "{words}");
        }
    }
}
