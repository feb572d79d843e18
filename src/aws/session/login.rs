//! Who asks: the whole chain in which every AWS tool looks for credentials, or the one profile that was asked for, and the role that is taken
//! on first. What the SDK would get wrong without a word is refused before.

use std::env;

use aws_config::{
    Region, SdkConfig, default_provider::credentials::DefaultCredentialsChain, imds, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, sts::AssumeRoleProvider,
};
use aws_sdk_s3::config::SharedCredentialsProvider;

use super::profile::Profile;
use crate::failure::{Failure, Result};

/// The name under which a role is taken on, for whoever reads the trail of the account.
const SESSION: &str = "opsbelt";

/// Where credentials come from.
pub(super) async fn provider(
    profile: &Profile,
    about: &ProviderConfig,
    region: Region,
    instance: imds::Client,
) -> Result<SharedCredentialsProvider> {
    let about = about.clone().with_region(Some(region.clone()));
    let variables = env::var_os("AWS_ACCESS_KEY_ID").is_some_and(|key| !key.is_empty());
    if profile.is_asked || !variables {
        refuse_codes(profile)?;
    }
    Ok(if profile.is_asked {
        // Not the chain, where variables that somebody left in a shell would win over what was asked for.
        let files = ProfileFileCredentialsProvider::builder().configure(&about).profile_name(&profile.name).build();
        SharedCredentialsProvider::new(files)
    } else {
        let chain = DefaultCredentialsChain::builder().configure(about).region(region).imds_client(instance);
        SharedCredentialsProvider::new(chain.build().await)
    })
}

/// The SDK takes on a role without the code that the profile asks for, and is only told that access is denied.
fn refuse_codes(profile: &Profile) -> Result<()> {
    let Some(device) = profile.says("mfa_serial").filter(|_| profile.says("role_arn").is_some()) else { return Ok(()) };
    let name = &profile.name;
    let failure = Failure::new("log in with", format!("the profile `{name}`"));
    Err(failure.because(format!("it asks for a code of {device}, and nobody is asked here")).hint(format!(
        "eval \"$(aws configure export-credentials --profile {name} --format env)\" asks for it; then leave the profile out"
    )))
}

/// The same, having taken on that role.
pub(super) async fn as_role(role: &str, config: &SdkConfig) -> SdkConfig {
    let provider = AssumeRoleProvider::builder(role).session_name(SESSION).configure(config).build().await;
    config.clone().into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}
