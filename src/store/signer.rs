//! Who signs for a store, and who proves it: a key of KMS, or the public half of one in a file. Without the feature `s3` there is neither.

use std::sync::Arc;

use super::Terms;
pub use crate::aws::signature::{PublicKey, Signature, Signer};
use crate::failure::Result;

/// The key of that id, ARN or alias; whoever uses the store on these terms asks for it.
pub fn signer(key: &str, terms: &Terms) -> Result<Arc<dyn Signer>> {
    #[cfg(feature = "s3")]
    {
        Ok(Arc::new(crate::aws::kms::Key::open(key, terms)?))
    }
    #[cfg(not(feature = "s3"))]
    {
        let _ = terms;
        Err(without(key))
    }
}

/// The public key that a file holds.
pub fn public_key(text: &[u8], shown: &str) -> Result<Arc<dyn PublicKey>> {
    #[cfg(feature = "s3")]
    {
        use crate::{
            aws::public_key::Public,
            failure::{Exit, Failure},
        };
        let refuse = |why| {
            let failure = Failure::new("use the public key in", shown).because(why).exit(Exit::BadInput);
            failure.hint("aws kms get-public-key --key-id KEY --query PublicKey --output text | base64 -d > key.der")
        };
        Ok(Arc::new(Public::of_file(text).map_err(refuse)?))
    }
    #[cfg(not(feature = "s3"))]
    {
        let _ = text;
        Err(without(shown))
    }
}

#[cfg(not(feature = "s3"))]
fn without(key: &str) -> crate::failure::Failure {
    let failure = crate::failure::Failure::new("use the key", key).because("this ops-logs was built without AWS");
    failure.hint("build it with the feature s3").exit(crate::failure::Exit::BadInput)
}
