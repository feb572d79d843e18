//! One runtime and one configuration for every client: region, credentials, role, deadlines, retries. The SDK has almost no deadlines of
//! its own, and each call from here has all of them.

mod login;
mod mfa;
mod transport;

use std::{
    sync::{Mutex, OnceLock},
    thread,
    time::Duration,
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig,
    environment::EnvironmentVariableRegionProvider,
    imds::{self, region::ImdsRegionProvider},
    meta::region::RegionProviderChain,
    profile::ProfileFileRegionProvider,
    provider_config::ProviderConfig,
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use tokio::runtime::{Builder, Runtime};

use super::{profile::Profile, terms::Terms};
use crate::failure::{Failure, Result, plain};

/// How often a call is tried, unless `AWS_MAX_ATTEMPTS` says.
const ATTEMPTS: u32 = 5;
/// To reach the other side.
const CONNECT: Duration = Duration::from_secs(5);
/// From the first byte sent to the first byte of the answer. Who sends bodies says how long they may take (`pace`).
const ANSWER: Duration = Duration::from_mins(3);
/// All attempts together.
const OPERATION: Duration = Duration::from_mins(15);
/// The instance answers within milliseconds, or there is none: a laptop should not wait for it.
const INSTANCE: Duration = Duration::from_secs(1);

/// Threads of the runtime.
const WORKERS: usize = 2;

/// The runtime, started when first asked for.
pub(super) fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    // Callers wait on threads of their own; these carry the bytes.
    let start = || {
        may_start(WORKERS + 1)?;
        Builder::new_multi_thread().worker_threads(WORKERS).thread_name("aws").enable_all().build()
    };
    RUNTIME
        .get_or_init(start)
        .as_ref()
        .map_err(|error| Failure::new("start", "the threads that talk to AWS").because(plain(error)))
}

/// Whether there may be so many threads more, the last one for names to be looked up: a runtime that may not start its own panics, and
/// perhaps never ends.
fn may_start(threads: usize) -> std::io::Result<()> {
    let gate = Mutex::new(());
    thread::scope(|scope| {
        let held = gate.lock();
        let one = |_| thread::Builder::new().spawn_scoped(scope, || drop(gate.lock()));
        let started = (0..threads).map(one).collect::<std::io::Result<Vec<_>>>();
        drop(held);
        // Until it is gone each counts, and the runtime may lack just that.
        started?.into_iter().for_each(|thread| drop(thread.join()));
        Ok(())
    })
}

/// What every client starts from.
pub(super) fn config(terms: &Terms) -> Result<SdkConfig> {
    let profile = Profile::of(terms)?;
    let client = transport::client(&profile)?;
    runtime()?.block_on(async {
        let about = ProviderConfig::without_region().with_http_client(client.clone());
        // Two tries and no more: where nobody answers, four of them take longer than somebody at a laptop waits.
        let instance = imds::Client::builder().configure(&about).max_attempts(2);
        let instance = instance.connect_timeout(INSTANCE).read_timeout(INSTANCE).build();
        let region = region(terms, &profile, &about, &instance).await?;
        let who = login::provider(&profile, (&about, &client), region.clone(), instance).await?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(client).timeout_config(timeouts());
        if std::env::var_os("AWS_MAX_ATTEMPTS").is_none() {
            loader = loader.retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        }
        let config = loader.profile_name(&profile.name).region(region).credentials_provider(who).load().await;
        Ok(match &terms.role {
            Some(role) => login::as_role(role, &config).await,
            None => config,
        })
    })
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ANSWER)
        .operation_attempt_timeout(ANSWER + CONNECT)
        .operation_timeout(OPERATION)
        .build()
}

async fn region(terms: &Terms, profile: &Profile, about: &ProviderConfig, instance: &imds::Client) -> Result<Region> {
    let named = RegionProviderChain::first_try(terms.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::builder().configure(about).profile_name(&profile.name).build());
    let named = match &terms.endpoint {
        // Whoever answers there has one region, and calls it this.
        Some(_) => named.or_else(Region::from_static("us-east-1")),
        None => named.or_else(ImdsRegionProvider::builder().configure(about).imds_client(instance.clone()).build()),
    };
    named.region().await.ok_or_else(|| {
        Failure::new("find", "the region of the store")
            .because(
                "neither the settings (which count for their own bucket) nor AWS_REGION, the AWS files or the instance name one",
            )
            .hint("region = \"eu-central-1\" in [store], or --region")
    })
}
