//! Who asks: the whole chain in which every AWS tool looks for credentials, or the one profile that was asked for, and the role that is taken
//! on first. What the SDK would get wrong without a word is refused before.

use std::env;

use aws_config::{
    Region, SdkConfig, default_provider::credentials::DefaultCredentialsChain, imds, profile::ProfileFileCredentialsProvider,
    provider_config::ProviderConfig, sts::AssumeRoleProvider,
};
use aws_sdk_s3::config::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::mfa::{self, SESSION};
use crate::{aws::profile::Profile, failure::Result};

/// Where credentials come from.
pub(super) async fn provider(
    profile: &Profile,
    (about, client): (&ProviderConfig, &SharedHttpClient),
    region: Region,
    instance: imds::Client,
) -> Result<SharedCredentialsProvider> {
    let about = about.clone().with_region(Some(region.clone()));
    let variables = env::var_os("AWS_ACCESS_KEY_ID").is_some_and(|key| !key.is_empty());
    if profile.is_asked || !variables {
        // The SDK would take on the role without the code that the profile asks for, and only be told that access is denied.
        if let Some(taken_on) = mfa::provider(profile, &about, client, &region).await? {
            return Ok(taken_on);
        }
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

/// The same, having taken on that role.
pub(super) async fn as_role(role: &str, config: &SdkConfig) -> SdkConfig {
    let provider = AssumeRoleProvider::builder(role).session_name(SESSION).configure(config).build().await;
    config.clone().into_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}
