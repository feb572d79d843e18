//! Deletes objects: many in one call, or one. Whether they may go was for others to find out; a store that refuses because of a lock is heard.

use std::collections::HashMap;

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::Bucket;
use crate::{
    aws::{refusal::Refusal, standing::Removal},
    failure::{Failure, Result},
};

impl Bucket {
    /// Deletes these; what came of each, in their order.
    pub fn remove(&self, names: &[&str]) -> Vec<Result<Removal>> {
        match names {
            [name] => vec![self.remove_one(name)],
            names => self.remove_many(names).unwrap_or_else(|failure| names.iter().map(|_| Err(failure.clone())).collect()),
        }
    }

    fn remove_one(&self, name: &str) -> Result<Removal> {
        let call = self.client.delete_object().bucket(&self.name).key(name).set_expected_bucket_owner(self.owner());
        match self.wait(call.send()) {
            Ok(gone) => Ok(removal(gone.delete_marker)),
            Err(refusal) if refusal.is_absence() => Ok(Removal::Gone),
            Err(refusal) => self.refused(&refusal, name),
        }
    }

    fn remove_many(&self, names: &[&str]) -> Result<Vec<Result<Removal>>> {
        let wrong = |error: aws_sdk_s3::error::BuildError| Failure::new("remove", self.shown("")).because(error);
        let one = |name: &&str| ObjectIdentifier::builder().key(*name).build().map_err(wrong);
        let all = names.iter().map(one).collect::<Result<Vec<_>>>()?;
        let wish = Delete::builder().set_objects(Some(all)).build().map_err(wrong)?;
        let call = self.client.delete_objects().bucket(&self.name).delete(wish).set_expected_bucket_owner(self.owner());
        let refused = |refusal: Box<Refusal>| self.failure(&refusal, "remove", &format!("{} objects", names.len()), RIGHT);
        let answer = self.wait(call.send()).map_err(refused)?;
        let mut errors: HashMap<String, Refusal> = HashMap::new();
        for error in answer.errors.unwrap_or_default() {
            if let Some(key) = error.key {
                errors.insert(key, Refusal::said(error.code.as_deref(), error.message.as_deref()));
            }
        }
        let gone: HashMap<String, Option<bool>> =
            answer.deleted.unwrap_or_default().into_iter().filter_map(|one| Some((one.key?, one.delete_marker))).collect();
        let one = |name: &&str| match (errors.get(*name), gone.get(*name)) {
            (Some(refusal), _) => self.refused(refusal, name),
            (None, Some(marker)) => Ok(removal(*marker)),
            (None, None) => Err(Failure::new("remove", self.shown(name)).because("the store does not say what came of it")),
        };
        Ok(names.iter().map(one).collect())
    }

    fn refused(&self, refusal: &Refusal, name: &str) -> Result<Removal> {
        match refusal.of_a_lock() {
            Some(words) => Ok(Removal::Refused(words)),
            None => Err(self.failure(refusal, "remove", name, RIGHT)),
        }
    }
}

const RIGHT: &str = "s3:DeleteObject";

fn removal(marker: Option<bool>) -> Removal {
    if marker == Some(true) { Removal::Hidden } else { Removal::Gone }
}
