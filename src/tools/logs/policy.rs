//! `iam-policy`: the rights that a command needs on the settings' store, and no other, as a document of IAM. Pure: it asks nobody.
//!
//! What a command does there stands in one table (`Job::acts`); a test compares it with the calls that the command really makes.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::settings::StoreWords;
use crate::{
    failure::{Exit, Failure, Result},
    report::Report,
    run::Run,
    store::{Address, Key},
    tool::Query,
};

/// Whose rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Job {
    /// What `ship` does
    Ship,
    /// What `restore` does
    Restore,
    /// What `verify` of the store does
    Verify,
    /// What `prune --apply` does
    Prune,
    /// What `drain` does, which ships
    Drain,
    /// What `direct` does, which ships
    Direct,
    /// What this machine itself needs, where the settings name a role: to take it on
    Role,
}

/// What is done to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// Names of objects.
    List,
    /// Uploads that were begun.
    ListUploads,
    /// What an object holds, and what is known of it.
    Read,
    /// Objects, in one call or in parts; with what the settings want for each.
    Make,
    /// Which parts of an upload are there.
    ListParts,
    /// An upload is ended without an object.
    Abort,
    /// What is in a cold class is asked for.
    Thaw,
    /// An object goes, if nothing forbids it.
    Remove,
    /// The end of the manifest is signed.
    Sign,
    /// What was signed is proven.
    Prove,
}

impl Job {
    /// Every job that talks to the store.
    const OF_THE_STORE: [Job; 4] = [Job::Ship, Job::Restore, Job::Verify, Job::Prune];

    fn acts(self) -> &'static [Act] {
        match self {
            Job::Ship | Job::Drain | Job::Direct => {
                &[Act::List, Act::ListUploads, Act::ListParts, Act::Read, Act::Make, Act::Abort, Act::Sign, Act::Prove]
            }
            Job::Restore => &[Act::List, Act::Read, Act::Thaw],
            Job::Verify => &[Act::List, Act::Read, Act::Prove],
            Job::Prune => &[Act::List, Act::Read, Act::Make, Act::Remove, Act::Sign, Act::Prove],
            Job::Role => &[],
        }
    }
}

/// The rights for these jobs; for all that talk to the store when there are none.
pub struct Policy {
    /// The store.
    pub store: StoreWords,
    /// For what.
    pub jobs: Vec<Job>,
}

impl Query for Policy {
    fn schema(&self) -> Option<&'static str> {
        None
    }

    fn answer(&self, run: &Run) -> Result<Report> {
        run.out.write(&format!("{:#}\n", self.document()?))?;
        Ok(Report::default())
    }
}

impl Policy {
    /// The document.
    fn document(&self) -> Result<Value> {
        let refuse =
            |why: &str, hint: &str| Failure::new("say", "which rights are needed").because(why).hint(hint).exit(Exit::BadInput);
        let Address::Bucket { bucket, prefix } = &self.store.url else {
            return Err(refuse("the store is a folder, and IAM knows nothing of those", "who ships must own the folder"));
        };
        let jobs = if self.jobs.is_empty() { &Job::OF_THE_STORE[..] } else { &self.jobs };
        let mut statements = Vec::new();
        if jobs.contains(&Job::Role) {
            let none = || refuse("the settings name no role", "role = \"arn:aws:iam::123456789012:role/ship\" in [store]");
            let role = self.store.role.as_ref().ok_or_else(none)?;
            statements.push(json!({"Sid": "TakeOnTheRole", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}));
        }
        let does = |act| jobs.iter().any(|job| job.acts().contains(&act));
        let place = Place { store: &self.store, bucket, prefix: prefix.as_ref() };
        statements.extend(does(Act::List).then(|| place.list()));
        statements.extend(does(Act::ListUploads).then(|| place.list_uploads()));
        statements.extend(does(Act::Remove).then(|| place.see_locks()));
        let (reads, makes) = (does(Act::Read), does(Act::Make));
        let mut objects = Vec::new();
        objects.extend(reads.then_some("s3:GetObject"));
        objects.extend(makes.then_some("s3:PutObject"));
        objects.extend((makes && !self.store.tags.is_empty()).then_some("s3:PutObjectTagging"));
        objects.extend((makes && self.store.lock.is_some()).then_some("s3:PutObjectRetention"));
        objects.extend(does(Act::ListParts).then_some("s3:ListMultipartUploadParts"));
        objects.extend(does(Act::Abort).then_some("s3:AbortMultipartUpload"));
        objects.extend(does(Act::Thaw).then_some("s3:RestoreObject"));
        if does(Act::Remove) {
            objects.extend(["s3:DeleteObject", "s3:GetObjectRetention", "s3:GetObjectLegalHold"]);
        }
        statements.extend((!objects.is_empty()).then(|| place.objects(&objects)));
        // To make an object in parts, S3 decrypts as well.
        let keys: Vec<&str> =
            makes.then_some("kms:GenerateDataKey").into_iter().chain((reads || makes).then_some("kms:Decrypt")).collect();
        let named = self.store.kms_key.as_ref().filter(|_| !keys.is_empty());
        statements.extend(named.map(|key| place.key("Encryption", key, &keys)));
        let signs = does(Act::Sign).then_some("kms:Sign");
        let keys: Vec<&str> = does(Act::Prove).then_some("kms:GetPublicKey").into_iter().chain(signs).collect();
        let named = self.store.sign_key.as_ref().filter(|_| !keys.is_empty());
        statements.extend(named.map(|key| place.key("SignTheEndsOfManifests", key, &keys)));
        Ok(json!({"Version": "2012-10-17", "Statement": statements}))
    }
}

/// Where.
struct Place<'a> {
    store: &'a StoreWords,
    bucket: &'a str,
    prefix: Option<&'a Key>,
}

impl Place<'_> {
    /// S3 takes the key for the prefix where it must decide whether somebody may know that an object is not there.
    fn list(&self) -> Value {
        let prefix = self.prefix.map(|prefix| json!({"StringLike": {"s3:prefix": format!("{prefix}/*")}}));
        self.statement("ListTheStore", &["s3:ListBucket"], &self.arn(""), prefix)
    }

    /// No condition on a prefix is known to this right.
    fn list_uploads(&self) -> Value {
        self.statement("ListUnfinishedUploads", &["s3:ListBucketMultipartUploads"], &self.arn(""), None)
    }

    fn see_locks(&self) -> Value {
        self.statement("SeeWhetherObjectsAreLocked", &["s3:GetBucketObjectLockConfiguration"], &self.arn(""), None)
    }

    fn objects(&self, actions: &[&str]) -> Value {
        let below = self.prefix.map_or_else(|| "/*".to_owned(), |prefix| format!("/{prefix}/*"));
        self.statement("Objects", actions, &self.arn(&below), None)
    }

    /// An alias is no resource: any key, if it is the one that bears it. One without an ARN is looked for in the account of who asks.
    fn key(&self, sid: &str, key: &str, actions: &[&str]) -> Value {
        let of_role = self.store.role.as_deref().and_then(|role| role.split(':').nth(4));
        let (region, account) = (self.store.region.as_deref().unwrap_or("*"), of_role.unwrap_or("*"));
        let here = format!("arn:{}:kms:{region}:{account}", self.partition());
        let bears = |name: &str| Some(json!({"ForAnyValue:StringEquals": {"kms:ResourceAliases": format!("alias/{name}")}}));
        let (resource, condition) = match (key.split_once(":alias/"), key.strip_prefix("alias/")) {
            (Some((there, name)), _) => (format!("{there}:key/*"), bears(name)),
            (_, Some(name)) => (format!("{here}:key/*"), bears(name)),
            _ if key.starts_with("arn:") => (key.to_owned(), None),
            _ => (format!("{here}:key/{key}"), None),
        };
        let statement = json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource});
        with(statement, condition)
    }

    fn statement(&self, sid: &str, actions: &[&str], resource: &str, condition: Option<Value>) -> Value {
        let statement = json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource});
        let owner = self.store.bucket_owner.as_ref().map(|owner| json!({"StringEquals": {"aws:ResourceAccount": owner}}));
        with(with(statement, condition), owner)
    }

    fn arn(&self, below: &str) -> String {
        format!("arn:{}:s3:::{}{below}", self.partition(), self.bucket)
    }

    /// Which AWS: there are several that know nothing of each other.
    fn partition(&self) -> &'static str {
        let region = self.store.region.as_deref().unwrap_or_default();
        let of_role = || self.store.role.as_deref().and_then(|role| role.split(':').nth(1)).unwrap_or_default();
        match (region, of_role()) {
            (region, role) if region.starts_with("cn-") || role == "aws-cn" => "aws-cn",
            (region, role) if region.starts_with("us-gov-") || role == "aws-us-gov" => "aws-us-gov",
            _ => "aws",
        }
    }
}

/// One more condition, which must be met as well.
fn with(mut statement: Value, condition: Option<Value>) -> Value {
    let Some(Value::Object(more)) = condition else { return statement };
    let known = statement.get("Condition").and_then(Value::as_object).cloned().unwrap_or_default();
    statement["Condition"] = known.into_iter().chain(more).collect::<serde_json::Map<_, _>>().into();
    statement
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(store: &str, jobs: &[Job]) -> Value {
        Policy { store: toml::from_str(store).unwrap(), jobs: jobs.to_vec() }.document().unwrap()
    }

    #[test]
    fn who_only_reads_gets_no_right_to_write() {
        for job in [Job::Verify, Job::Restore] {
            let text = document("url = \"s3://logs/fleet\"\ntags = { a = \"b\" }\nkms-key = \"alias/a\"", &[job]).to_string();
            assert!(text.contains("s3:GetObject") && text.contains("kms:Decrypt"), "{text}");
            assert!(!text.contains("Put") && !text.contains("Delete") && !text.contains("GenerateDataKey"), "{text}");
        }
    }

    #[test]
    fn a_right_ends_where_the_store_ends() {
        let document = document("url = \"s3://logs/fleet\"\nbucket-owner = \"123456789012\"\nregion = \"cn-north-1\"", &[]);
        let statements = document["Statement"].as_array().unwrap();
        assert_eq!(statements[0]["Resource"], "arn:aws-cn:s3:::logs");
        assert_eq!(statements[0]["Condition"]["StringLike"]["s3:prefix"], "fleet/*");
        let objects = statements.iter().find(|one| one["Sid"] == "Objects").unwrap();
        assert_eq!(objects["Resource"], "arn:aws-cn:s3:::logs/fleet/*");
        assert!(
            statements.iter().all(|one| one["Condition"]["StringEquals"]["aws:ResourceAccount"] == "123456789012"),
            "{document:#}"
        );
    }

    #[test]
    fn a_key_is_named_as_kms_names_it() {
        let key = |key: &str| {
            let store = format!("url = \"s3://logs\"\nregion = \"eu-west-1\"\nkms-key = \"{key}\"");
            document(&store, &[Job::Ship])["Statement"].as_array().unwrap().last().unwrap().clone()
        };
        let arn = "arn:aws:kms:eu-west-1:1:key/a";
        assert_eq!(key(arn)["Resource"], arn);
        assert_eq!(key("1234")["Resource"], "arn:aws:kms:eu-west-1:*:key/1234");
        for (alias, account) in [("alias/logs", "*"), ("arn:aws:kms:eu-west-1:1:alias/logs", "1")] {
            let statement = key(alias);
            assert_eq!(statement["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"], "alias/logs");
            assert_eq!(statement["Resource"], format!("arn:aws:kms:eu-west-1:{account}:key/*"));
        }
    }
}
