//! Credentials are found where every AWS tool finds them, and a login that does not work is told in its own words, with what to do.

use std::time::Duration;

use super::{KEYS, ROLE, answer, askers, assert_answered, aws, instance, lent, machine, sts_error, taken_on, verify};
use crate::support::{
    between::{Between, Fate, Request},
    files,
    process::must,
    scenario::Scenario,
};

const SSO: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = r\nregion = eu-west-1\n\
                   [sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n";

/// A login with a browser that ends then.
fn logged_in(scene: &Scenario, until: &str) {
    let text = format!(
        "{{\"startUrl\":\"https://corp.awsapps.com/start\",\"region\":\"eu-west-1\",\"accessToken\":\"t\",\"expiresAt\":\"{until}\"}}"
    );
    let sum = must("sh", &["-c".as_ref(), "printf corp | sha1sum".as_ref()]);
    files::write(scene.root().join(format!(".aws/sso/cache/{}.json", &sum[..40])), text).unwrap();
}

/// A machine that has no way to log in.
#[derive(Clone, Copy)]
struct Story<'a> {
    aws: &'a Between,
    words: &'a str,
    config: &'a str,
    variables: &'a [(&'a str, &'a str)],
    flags: &'a [&'a str],
}

impl Story<'_> {
    fn of(aws: &Between) -> Story<'_> {
        Story { aws, words: "", config: "", variables: &[], flags: &[] }
    }
}

/// Words of the store, the AWS file, variables, flags, and the access key that S3 is asked with.
type Way<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

const SHELL: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "SHELLKEY"), ("AWS_SECRET_ACCESS_KEY", "s")];

#[test]
fn credentials_are_found_where_every_aws_tool_finds_them() {
    let story = |request: &Request| {
        let says = |word: &str| String::from_utf8_lossy(&request.body).contains(word);
        match () {
            () if says("Action=AssumeRoleWithWebIdentity") => Some(taken_on("AssumeRoleWithWebIdentity", "WEBKEY")),
            () if says("Action=AssumeRole") => Some(taken_on("AssumeRole", "ROLEKEY")),
            () if request.is("GET", "/federation/credentials") => Some(answer(
                200,
                "{\"roleCredentials\":{\"accessKeyId\":\"SSOKEY\",\"secretAccessKey\":\"s\",\"sessionToken\":\"t\",\"expiration\":4070908800000}}",
            )),
            () if request.is("GET", "/container") => Some(lent("ECSKEY")),
            () => instance(request),
        }
    };
    let files = format!("[default]{KEYS}[profile ops]{}", KEYS.replace("FILE", "OPS"));
    let process =
        "[default]\ncredential_process = echo '{\"Version\":1,\"AccessKeyId\":\"PROCESSKEY\",\"SecretAccessKey\":\"s\"}'\n";
    let chained = format!("[default]\nrole_arn = {ROLE}\nsource_profile = base\n[profile base]{KEYS}");
    let role = format!("role = \"{ROLE}\"");
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/etc/hostname"), ("AWS_ROLE_ARN", ROLE)];
    let container = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{aws}/container")];
    let metadata = [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{aws}")];
    let ops = ("AWS_PROFILE", "ops");
    let ways: [Way; 15] = [
        ("", &files, &[], &[], "FILEKEY"),
        ("", &files, &SHELL, &[], "SHELLKEY"),
        ("", &files, &[ops], &[], "OPSKEY"),
        // What the settings say of this store goes over what variables say of everything, and flags over both.
        ("profile = \"default\"", &files, &[ops], &[], "FILEKEY"),
        ("profile = \"default\"", &files, &SHELL, &["--profile", "ops"], "OPSKEY"),
        ("", process, &[], &[], "PROCESSKEY"),
        ("", &chained, &[], &[], "ROLEKEY"),
        (&role, &files, &[], &[], "ROLEKEY"),
        ("", &files, &[], &["--role", ROLE], "ROLEKEY"),
        ("", "", &web, &[], "WEBKEY"),
        ("", "", &container, &[], "ECSKEY"),
        ("", "", &metadata, &[], "IMDSKEY"),
        ("", SSO, &[], &["--profile", "dev"], "SSOKEY"),
        ("profile = \"dev\"", SSO, &SHELL, &[], "SSOKEY"),
        ("", SSO, &[("AWS_PROFILE", "dev")], &[], "SSOKEY"),
    ];
    for (words, config, variables, flags, key) in ways {
        let aws = aws(story);
        let scene = machine(&aws, words, config);
        logged_in(&scene, "2099-01-01T00:00:00Z");
        assert_answered(verify(&scene, &aws, variables, flags));
        assert_eq!(askers(&aws), [key], "{words} {variables:?} {flags:?}");
    }
}

#[test]
fn a_login_that_does_not_work_is_told_in_its_own_words() {
    let of_sts = |code: &'static str, message: &'static str| {
        move |request: &Request| request.is("POST", "/").then(|| sts_error(403, code, message))
    };
    let role = format!("role = \"{ROLE}\"");
    let files = format!("[default]{KEYS}");
    let denied = aws(of_sts("AccessDenied", "User: u may not sts:AssumeRole"));
    let expired = aws(of_sts("ExpiredTokenException", "The token is over"));
    let quiet = aws(|request| {
        request.is("GET", "/federation").then(|| answer(401, "{\"message\":\"Session token not found or invalid\"}"))
    });
    let web = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/etc/hostname"), ("AWS_ROLE_ARN", ROLE)];
    let code = format!(
        "[profile safe]\nrole_arn = {ROLE}\nsource_profile = default\nmfa_serial = arn:aws:iam::1:mfa/me\n[default]{KEYS}"
    );
    let gone = format!("[default]\nrole_arn = {ROLE}\nsource_profile = gone\n");
    let late = aws(of_sts(
        "SignatureDoesNotMatch",
        "Signature expired: 20261121T220000Z is now earlier than 20261121T221530Z (20261121T223030Z - 15 min.)",
    ));
    let dev = Story { config: SSO, flags: &["--profile", "dev"], ..Story::of(&quiet) };
    let unheard = [("AWS_ENDPOINT_URL_SSO", "http://127.0.0.1:1")];
    let lost = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere"), ("AWS_ROLE_ARN", ROLE)];
    let nobody = [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")];
    let with_role = |aws| Story { words: &role, config: &files, ..Story::of(aws) };
    let fails = "[default]\ncredential_process = false\n";
    let named = |config, flags| Story { config, flags, ..Story::of(&quiet) };
    let set = |variables| Story { variables, ..Story::of(&quiet) };
    let profiles = "aws configure list-profiles";
    for (story, cause, hint) in [
        (with_role(&late), "this machine's clock is 30 minutes behind the store's", "set the clock"),
        (with_role(&denied), "access denied: User: u may not sts:AssumeRole (request STORY)", "allow sts:AssumeRole on arn:"),
        (Story { variables: &web, ..Story::of(&expired) }, "the login has expired (request STORY)", "log in again"),
        (dev, "the login of the profile `dev` has expired", "aws sso login --profile dev"),
        (Story { variables: &unheard, ..dev }, "nobody could be asked for credentials: connection refused", "the network"),
        (
            named(&code, &["--profile", "safe"]),
            "it asks for a code of arn:aws:iam::1:mfa/me",
            "export-credentials --profile safe",
        ),
        (named("", &["--profile", "none"]), "cannot find the profile `none`", profiles),
        (set(&[("AWS_PROFILE", "none")]), "the AWS files have no profile `none`", profiles),
        (named(&gone, &[]), "the AWS files have no profile `gone`", profiles),
        (named(fails, &[]), "the program that gives the credentials failed", "by hand"),
        (set(&lost), "No such file or directory", "aws sts get-caller-identity"),
        (set(&[]), "no credentials are known here", "give the instance a role"),
        (set(&nobody), "no credentials are known here", "hop limit"),
    ] {
        let scene = machine(story.aws, story.words, story.config);
        logged_in(&scene, "2099-01-01T00:00:00Z");
        let ran = verify(&scene, story.aws, story.variables, story.flags).exits(4);
        assert!(ran.stderr.contains(cause) && ran.stderr.contains(hint), "{cause}: {ran:#?}");
    }
}

#[test]
fn a_login_in_a_browser_that_is_over_or_never_was_is_told_how_to_renew() {
    let aws = aws(|_| None);
    for until in [None, Some("2020-01-01T00:00:00Z")] {
        let scene = machine(&aws, "profile = \"dev\"", SSO);
        if let Some(until) = until {
            logged_in(&scene, until);
        }
        let ran = verify(&scene, &aws, &[], &[]).exits(4);
        assert!(ran.stderr.contains("hint: aws sso login --profile dev"), "{until:?}: {ran:#?}");
    }
}

#[test]
fn where_no_instance_answers_nobody_waits_long() {
    let silent = aws(|request| {
        if request.target.starts_with("/latest/") {
            std::thread::park_timeout(Duration::from_mins(1));
        }
        None
    });
    let scene = machine(&silent, "", "");
    let metadata = [("AWS_EC2_METADATA_DISABLED", "false"), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{aws}")];
    let ran = verify(&scene, &silent, &metadata, &[]).exits(4);
    assert!(ran.stderr.contains("no credentials are known here") && ran.took < Duration::from_secs(20), "{ran:#?}");
    assert!(silent.asked().len() <= 4, "{:?}", silent.asked());
}

#[test]
fn a_bucket_of_another_account_is_told() {
    let aws = aws(|request| request.header("x-amz-expected-bucket-owner").map(|_| Fate::error(403, "AccessDenied", "")));
    let scene = machine(&aws, "bucket-owner = \"123456789012\"", &format!("[default]{KEYS}"));
    let ran = verify(&scene, &aws, &[], &[]).exits(4);
    let told = "the bucket is not account 123456789012's (request STORY)\nhint: somebody else may have made one of that name";
    assert!(ran.stderr.contains(told), "{ran:#?}");
}
