//! Who asks a bucket, and how the tool gets there: each place where every AWS tool looks for credentials, the flags over them, proxies and
//! private CAs; and what is told where a login does not work. All servers are of the story, on this machine. What the stories share is here.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

#[path = "aws_access/logins.rs"]
mod logins;
#[path = "aws_access/network.rs"]
mod network;
mod support;
#[path = "aws_access/terminal.rs"]
mod terminal;

use std::fs;

use support::{
    between::{Between, Fate, Request},
    files,
    scenario::{Ran, Scenario},
};

const KEYS: &str = "\naws_access_key_id = FILEKEY\naws_secret_access_key = s\n";
const ROLE: &str = "arn:aws:iam::123456789012:role/r";

/// A server that is all of AWS: what the story does not answer is a bucket with nothing in it.
fn aws(story: impl Fn(&Request) -> Option<Fate> + Send + Sync + 'static) -> Between {
    let empty =
        "<?xml version=\"1.0\"?><ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>";
    Between::before(0, move |request, _| story(request).unwrap_or_else(|| answer(200, empty)))
}

fn answer(status: u16, body: &str) -> Fate {
    Fate::Answered { status, headers: "x-amzn-requestid: STORY\r\n".to_owned(), body: body.to_owned() }
}

/// An error of STS.
fn sts_error(status: u16, code: &str, message: &str) -> Fate {
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    answer(
        status,
        &format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">{error}<RequestId>STSID</RequestId></ErrorResponse>"
        ),
    )
}

/// A role that STS gives, with this key.
fn taken_on(act: &str, key: &str) -> Fate {
    let user = format!("<AssumedRoleUser><AssumedRoleId>a:b</AssumedRoleId><Arn>{ROLE}</Arn></AssumedRoleUser>");
    let credentials = format!(
        "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    );
    answer(200, &format!("<{act}Response><{act}Result>{user}{credentials}</{act}Result></{act}Response>"))
}

/// As the instance and containers say it, with this key.
fn lent(key: &str) -> Fate {
    answer(
        200,
        &format!(
            "{{\"Code\":\"Success\",\"Type\":\"AWS-HMAC\",\"LastUpdated\":\"2020-01-01T00:00:00Z\",\"AccessKeyId\":\"{key}\",\
             \"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2099-01-01T00:00:00Z\"}}"
        ),
    )
}

/// An instance with a role; it speaks to nobody without a token.
fn instance(request: &Request) -> Option<Fate> {
    if request.is("PUT", "/latest/api/token") {
        let headers = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n".to_owned();
        return Some(Fate::Answered { status: 200, headers, body: "TOKEN".to_owned() });
    }
    match request.header("x-aws-ec2-metadata-token") {
        Some("TOKEN") if request.target.ends_with("/security-credentials/") => Some(answer(200, "ship")),
        Some("TOKEN") if request.target.ends_with("/security-credentials/ship") => Some(lent("IMDSKEY")),
        Some("TOKEN") if request.target.ends_with("/placement/region") => Some(answer(200, "eu-west-1")),
        _ if request.target.starts_with("/latest/") => Some(answer(401, "")),
        _ => None,
    }
}

/// A machine whose store is that server, and whose AWS files say this; `{aws}` and `{root}` are known there.
fn machine(aws: &Between, words: &str, config: &str) -> Scenario {
    let words = format!("endpoint = \"{}\"\npath-style = true\n{words}", aws.endpoint());
    let scene = Scenario::new().shipping_to("s3://bucket/fleet", "", &words, "");
    fs::create_dir_all(scene.root().join(".aws/sso/cache")).unwrap();
    let config = config.replace("{aws}", &aws.endpoint()).replace("{root}", &scene.root().display().to_string());
    files::write(scene.root().join(".aws/config"), config).unwrap();
    scene
}

/// Proves the store, with these variables and flags; every service of AWS is that server.
fn verify(scene: &Scenario, aws: &Between, variables: &[(&str, &str)], flags: &[&str]) -> Ran {
    let mut command = scene.command(&["verify", "s3://bucket/fleet"]);
    command.args(flags).env("AWS_MAX_ATTEMPTS", "1").env("AWS_EC2_METADATA_DISABLED", "true");
    for service in ["STS", "SSO", "SSO_OIDC"] {
        command.env(format!("AWS_ENDPOINT_URL_{service}"), aws.endpoint());
    }
    let at = aws.endpoint();
    Ran::of(command.envs(variables.iter().map(|(name, value)| (*name, value.replace("{aws}", &at)))))
}

/// The store answered: there is nothing in it, and that is told.
#[track_caller]
fn assert_answered(ran: Ran) {
    ran.exits(1).says("no machine has put anything there");
}

/// The access keys that S3 was asked with.
fn askers(aws: &Between) -> Vec<String> {
    let key = |request: &Request| {
        let signed = request.header("authorization")?.split_once("Credential=")?.1;
        request.target.contains("list-type").then(|| signed.split('/').next().unwrap_or_default().to_owned())
    };
    let mut keys: Vec<String> = aws.asked().iter().filter_map(key).collect();
    keys.dedup();
    keys
}
