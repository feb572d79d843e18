//! A role that a profile gives only with a code of MFA: a person is asked for it, once for all that this process does, where there is
//! one; nobody else can give it. The code goes to STS and nowhere else.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_config::{BehaviorVersion, Region, profile::ProfileFileCredentialsProvider, provider_config::ProviderConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::{
    aws::{
        code,
        profile::Profile,
        refusal::{Call, Refusal},
        terms::Terms,
    },
    failure::{Failure, Result},
};

/// The name under which a role is taken on, for whoever reads the trail of the account.
pub(super) const SESSION: &str = "opsbelt";
/// A person waits for the answer.
const ATTEMPT: Duration = Duration::from_secs(10);
/// All attempts together.
const OPERATION: Duration = Duration::from_secs(30);

/// Roles that were taken on with a code, by profile: the same code is not taken twice.
static TAKEN_ON: Mutex<BTreeMap<String, SharedCredentialsProvider>> = Mutex::new(BTreeMap::new());

/// The role of this profile, if it wants a code.
pub(super) async fn provider(
    profile: &Profile,
    about: &ProviderConfig,
    client: &SharedHttpClient,
    region: &Region,
) -> Result<Option<SharedCredentialsProvider>> {
    let (Some(device), Some(role)) = (profile.says("mfa_serial"), profile.says("role_arn")) else { return Ok(None) };
    let known = TAKEN_ON.lock().unwrap_or_else(PoisonError::into_inner).get(&profile.name).cloned();
    if known.is_some() {
        return Ok(known);
    }
    let name = &profile.name;
    let failure = || Failure::new("log in with", format!("the profile `{name}`"));
    let by_hand = format!(
        "eval \"$(aws configure export-credentials --profile {name} --format env)\" asks for it; then leave the profile out"
    );
    let Some(source) = source(profile, about) else {
        return Err(failure().because(format!("it asks for a code of {device}, and names no source_profile")).hint(by_hand));
    };
    let Some(code) = code::of(device) else {
        return Err(failure().because(format!("it asks for a code of {device}, and nobody is asked here")).hint(by_hand));
    };
    let patience = TimeoutConfig::builder().connect_timeout(super::CONNECT).read_timeout(ATTEMPT);
    let patience = patience.operation_attempt_timeout(ATTEMPT).operation_timeout(OPERATION).build();
    let config =
        aws_config::defaults(BehaviorVersion::latest()).profile_name(name).region(region.clone()).timeout_config(patience);
    let config = config.http_client(client.clone()).credentials_provider(source).load().await;
    let call = aws_sdk_sts::Client::new(&config).assume_role().role_arn(role).serial_number(device).token_code(code?);
    let call = call.role_session_name(profile.says("role_session_name").unwrap_or(SESSION));
    let call = call.set_external_id(profile.says("external_id").map(str::to_owned));
    let told = call.set_duration_seconds(profile.says("duration_seconds").and_then(|text| text.parse().ok())).send().await;
    let told = told.map_err(|error| refused(&Refusal::of(&error), name, region))?;
    let Some(given) = told.credentials() else { return Err(failure().because("STS gave no credentials")) };
    let until = SystemTime::try_from(*given.expiration()).ok();
    let token = Some(given.session_token().to_owned());
    let given = Credentials::new(given.access_key_id(), given.secret_access_key(), token, until, "mfa");
    let given = SharedCredentialsProvider::new(given);
    TAKEN_ON.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), given.clone());
    Ok(Some(given))
}

/// Who takes on the role; a profile may be its own source.
fn source(profile: &Profile, about: &ProviderConfig) -> Option<SharedCredentialsProvider> {
    let source = profile.says("source_profile")?;
    if source != profile.name {
        let files = ProfileFileCredentialsProvider::builder().configure(about).profile_name(source);
        return Some(SharedCredentialsProvider::new(files.build()));
    }
    let (key, secret) = (profile.says("aws_access_key_id")?, profile.says("aws_secret_access_key")?);
    let token = profile.says("aws_session_token").map(str::to_owned);
    Some(SharedCredentialsProvider::new(Credentials::new(key, secret, token, None, "profile")))
}

fn refused(refusal: &Refusal, name: &str, region: &Region) -> Failure {
    let terms = Terms { profile: Some(name.to_owned()), ..Terms::default() };
    let what = format!("the profile `{name}`");
    let failure =
        refusal.failure(&Call { doing: "log in with", what, right: "sts:AssumeRole", terms: &terms, region: region.as_ref() });
    let is_about_the_code = failure.cause.as_ref().is_some_and(|cause| cause.contains("MultiFactorAuthentication"));
    if is_about_the_code { failure.hint("type the code that the device shows now: each can be used once") } else { failure }
}
