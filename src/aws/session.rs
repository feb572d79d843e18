//! One runtime and one configuration for every client: region, credentials, role, deadlines, retries. The SDK has almost no deadlines of
//! its own, and each call from here has all of them.

use std::{sync::OnceLock, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, sts::AssumeRoleProvider};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use tokio::runtime::{Builder, Runtime};

use super::terms::Terms;
use crate::failure::{Failure, Result, plain};

/// How often a call is tried, unless `AWS_MAX_ATTEMPTS` says.
const ATTEMPTS: u32 = 5;
/// To reach the other side.
const CONNECT: Duration = Duration::from_secs(5);
/// From the first byte sent to the first byte of the answer. A part of 8 MiB at 64 KiB a second takes two minutes.
const ANSWER: Duration = Duration::from_mins(3);
/// All attempts together.
const OPERATION: Duration = Duration::from_mins(15);

/// The runtime, started when first asked for.
pub(super) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    // Callers wait on threads of their own; these two carry the bytes.
    let start = || Builder::new_multi_thread().worker_threads(2).thread_name("aws").enable_all().build();
    RUNTIME
        .get_or_init(start)
        .as_ref()
        .map_err(|error| Failure::new("start", "the threads that talk to AWS").because(plain(error)))
}

/// What every client starts from.
pub(super) fn config(terms: &Terms) -> Result<SdkConfig> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ANSWER)
        .operation_attempt_timeout(ANSWER + CONNECT)
        .operation_timeout(OPERATION)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
    if let Some(region) = &terms.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if std::env::var_os("AWS_MAX_ATTEMPTS").is_none() {
        loader = loader.retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
    }
    let runtime = runtime()?;
    let config = runtime.block_on(loader.load());
    let config = match (config.region(), &terms.endpoint) {
        (Some(_), _) => config,
        // Whoever answers there has one region, and calls it this.
        (None, Some(_)) => config.into_builder().region(Region::from_static("us-east-1")).build(),
        (None, None) => {
            return Err(Failure::new("find", "the region of the store")
                .because("neither the settings nor AWS_REGION, the AWS files or the instance name one")
                .hint("region = \"eu-central-1\" in [store]"));
        }
    };
    let Some(role) = &terms.role else { return Ok(config) };
    let provider = AssumeRoleProvider::builder(role).session_name("opsbelt").configure(&config).build();
    let provider = aws_sdk_s3::config::SharedCredentialsProvider::new(runtime.block_on(provider));
    Ok(config.into_builder().credentials_provider(provider).build())
}
