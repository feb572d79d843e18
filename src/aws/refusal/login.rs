//! A login that did not come about: what the SDK says of it, in many layers, as one sentence and what to do. Only reads.

use super::{Refusal, clock, element, visible};
use crate::aws::{profile::Profile, terms::Terms};

type Reason = (String, Option<String>);

/// Why there are no credentials; None when that was not the trouble.
pub(super) fn reason(refusal: &Refusal, terms: &Terms) -> Option<Reason> {
    let says = |sign: &str| refusal.all.contains(sign);
    let profile = Profile::of(terms).unwrap_or_default();
    if says("CredentialsNotLoaded") || says("no providers in chain") {
        return Some(unknown(refusal, &profile));
    }
    if !says("loading credentials") && !says("CredentialsError") && !says("identity resolver") {
        return None;
    }
    let unreached = [
        "Connection refused",
        "dns error",
        "timed out",
        "Network is unreachable",
        "No route to host",
        "invalid peer certificate",
    ];
    Some(if let Some(sign) = unreached.iter().find(|sign| says(sign)) {
        let hint = "check the network, HTTPS_PROXY and NO_PROXY, and AWS_CA_BUNDLE; the credentials here come from a service that must be reached";
        with(format!("nobody could be asked for credentials: {}", sign.to_lowercase()), hint)
    } else if profile.is_sso() {
        let hint = format!("aws sso login --profile {}; nothing here is lost meanwhile", profile.name);
        with(format!("the login of the profile `{}` has expired, or there was none", profile.name), hint)
    } else {
        of_service(refusal, terms, &profile)
    })
}

fn with(cause: impl Into<String>, hint: impl Into<String>) -> Reason {
    (cause.into(), Some(hint.into()))
}

/// Nobody in the chain had any.
fn unknown(refusal: &Refusal, profile: &Profile) -> Reason {
    let missing = |(name, rest): (&str, &str)| rest.starts_with(" was not defined").then(|| visible(name));
    let another = refusal.all.split_once("profile `").and_then(|(_, rest)| rest.split_once('`')).and_then(missing);
    let own = (!profile.is_there && profile.name != "default").then(|| visible(&profile.name));
    if let Some(name) = own.or(another) {
        let hint = "`aws configure list-profiles` names those that there are";
        return with(format!("the AWS files have no profile `{name}`"), hint);
    }
    with(
        "no credentials are known here",
        "give the instance a role, or set a profile or the AWS_ variables; in a container the hop limit of IMDSv2 must be 2",
    )
}

/// Somebody was asked, and refused.
fn of_service(refusal: &Refusal, terms: &Terms, profile: &Profile) -> Reason {
    let code = quoted(&refusal.all, "code: Some(").or_else(|| element(&refusal.all, "Code")).unwrap_or_default();
    let message = quoted(&refusal.all, "message: Some(").or_else(|| element(&refusal.all, "Message")).unwrap_or_default();
    let asked = match quoted(&refusal.all, "\"aws_request_id\": ") {
        Some(id) => format!(" (request {})", visible(&id)),
        None => String::new(),
    };
    let role = terms.role.as_deref().or(profile.says("role_arn")).unwrap_or("the role");
    let last = refusal.causes.last().map(|cause| visible(cause)).unwrap_or_default();
    if let Some(reason) = clock::of_sts(&message) {
        return reason;
    }
    match code.as_str() {
        _ if refusal.all.contains("external process") => {
            let hint = format!("run the credential_process of the profile `{}` by hand, and see what it says", profile.name);
            with(format!("the program that gives the credentials failed: {last}"), hint)
        }
        _ if refusal.all.to_lowercase().contains("expired") => with(
            format!("the login has expired{asked}"),
            "log in again, or renew the credentials; nothing here is lost meanwhile",
        ),
        "AccessDenied" | "AccessDeniedException" => {
            let hint = format!("allow sts:AssumeRole on {role} to who asks, and let the role's trust policy name them");
            with(format!("access denied: {}{asked}", visible(&message)), hint)
        }
        "InvalidClientTokenId" | "UnrecognizedClientException" | "SignatureDoesNotMatch" => {
            let hint = "check the credentials (`aws sts get-caller-identity` says whose they are)";
            with(format!("the credentials are not right: {}{asked}", visible(&message)), hint)
        }
        _ if refusal.all.contains("IMDS") => {
            let hint = "give the instance a role, and see that its metadata may be asked (IMDSv2; in a container the hop limit must be 2)";
            with(format!("the instance gave no credentials: {last}"), hint)
        }
        "" => with(last, format!("`aws sts get-caller-identity --profile {}` tries the same", profile.name)),
        code => with(format!("{} ({}){asked}", visible(&message), visible(code)), "`aws sts get-caller-identity` tries the same"),
    }
}

/// The text in quotes after `before`.
fn quoted(all: &str, before: &str) -> Option<String> {
    let (_, rest) = all.split_once(before)?;
    let text = rest.strip_prefix('"')?.split('"').next()?;
    (!text.is_empty()).then(|| text.to_owned())
}
