//! Who asks a bucket, and how the tool gets there: each place where every AWS tool looks for credentials, the flags over them, proxies and
//! private CAs; and what is told where a login does not work. All servers are of the story, on this machine.
#![expect(clippy::unwrap_used, reason = "a story fails loudly")]

mod support;

use std::{fs, io::Write, process::Command, time::Duration};

use support::{
    between::{Between, Fate, Request},
    files,
    needs::{self, Need},
    process::{Process, must},
    proxy::Proxy,
    scenario::{DEADLINE, Ran, Scenario},
    tls, wait_until,
};

const KEYS: &str = "\naws_access_key_id = FILEKEY\naws_secret_access_key = s\n";
const SSO: &str = "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = r\nregion = eu-west-1\n\
                   [sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n";
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
        verify(&scene, &aws, variables, flags).exits(0);
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

#[test]
fn flags_are_for_buckets_and_are_read_before_anything_is_done() {
    let aws = aws(|_| None);
    let scene = machine(&aws, "", &format!("[default]{KEYS}"));
    for (flag, value) in [("--region", "eu west"), ("--endpoint-url", "s3.example.org"), ("--role", "ship"), ("--profile", "")] {
        verify(&scene, &aws, &[], &[flag, value]).exits(2);
    }
    let folder = scene.run(&["verify", "file:///tmp", "--region", "eu-west-1"]).exits(2);
    assert!(folder.stderr.contains("a folder has no profile, region, role or endpoint"), "{folder:#?}");
    let local = scene.run(&["verify", "--region", "eu-west-1"]).exits(2);
    assert!(local.stderr.contains("profile, region, role and endpoint are about a store"), "{local:#?}");
    assert!(aws.asked().is_empty());
    verify(&scene, &aws, &[], &["--region", "eu-north-1"]).exits(0);
    assert!(aws.asked().iter().all(|request| request.header("authorization").unwrap().contains("/eu-north-1/s3/")));
}

#[test]
fn a_proxy_and_a_private_authority_are_used_and_the_instance_is_asked_past_them() {
    if !needs::met(&[Need::Program("openssl"), Need::Program("python3"), Need::Program("setpriv")]) {
        return;
    }
    let aws = aws(instance);
    let scene = machine(&aws, "", "");
    let (ca, certificate, key) = tls::authority(scene.root(), "s3.corp.example");
    let (_front, port) = tls::front(scene.root(), &certificate, &key, aws.port());
    scene.change_settings(&aws.endpoint(), "https://s3.corp.example:7443");
    let run = |proxy: &Proxy, more: &[(&str, &str)]| {
        let (url, ca) = (proxy.url(), ca.display().to_string());
        let usual = [
            ("AWS_EC2_METADATA_DISABLED", "false"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{aws}"),
            ("HTTPS_PROXY", url.as_str()),
            ("HTTP_PROXY", url.as_str()),
            ("AWS_CA_BUNDLE", ca.as_str()),
        ];
        verify(&scene, &aws, &[&usual[..], more].concat(), &[])
    };
    let proxy = Proxy::to(port);
    run(&proxy, &[]).exits(0);
    assert_eq!((askers(&aws), proxy.asked()), (vec!["IMDSKEY".to_owned()], vec!["CONNECT s3.corp.example:7443".to_owned()]));

    let nowhere = Proxy::to(port);
    let ran = run(&nowhere, &[("NO_PROXY", "corp.example")]).exits(4);
    assert!(nowhere.asked().is_empty() && ran.stderr.contains("cannot list"), "{ran:#?}");

    let ran = run(&Proxy::to(port), &[("AWS_CA_BUNDLE", "")]).exits(4);
    assert!(ran.stderr.contains("the certificate of who answers is not trusted (UnknownIssuer)"), "{ran:#?}");
    files::write(scene.root().join("none.pem"), "nothing\n").unwrap();
    files::write(scene.root().join("bad.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (name, told) in [("none.pem", "there is none in it"), ("bad.pem", "one of them is none"), ("gone.pem", "no such file")] {
        let path = scene.root().join(name).display().to_string();
        let ran = run(&Proxy::to(port), &[("AWS_CA_BUNDLE", &path)]).exits(4);
        assert!(ran.stderr.to_lowercase().contains(told), "{name}: {ran:#?}");
    }
}

#[test]
fn endpoints_that_are_fips_and_dual_stack_are_used_when_they_are_asked_for() {
    let aws = aws(|_| None);
    let scene = machine(&aws, "region = \"us-west-2\"", &format!("[default]{KEYS}"));
    scene.change_settings(&format!("endpoint = \"{}\"\npath-style = true\n", aws.endpoint()), "");
    let both = [("AWS_USE_FIPS_ENDPOINT", "true"), ("AWS_USE_DUALSTACK_ENDPOINT", "true")];
    for (variables, host) in [
        (&both[..0], "bucket.s3.us-west-2.amazonaws.com"),
        (&both[..1], "bucket.s3-fips.us-west-2.amazonaws.com"),
        (&both[1..], "bucket.s3.dualstack.us-west-2.amazonaws.com"),
        (&both[..], "bucket.s3-fips.dualstack.us-west-2.amazonaws.com"),
    ] {
        let proxy = Proxy::to(0);
        let url = proxy.url();
        verify(&scene, &aws, &[&[("HTTPS_PROXY", url.as_str())], variables].concat(), &[]).exits(4);
        assert_eq!(proxy.asked(), [format!("CONNECT {host}:443")]);
    }
}

#[test]
fn where_nobody_names_a_region_it_is_that_of_the_instance() {
    let aws = aws(instance);
    let scene = machine(&aws, "", "");
    scene.change_settings(&format!("endpoint = \"{}\"\npath-style = true\n", aws.endpoint()), "");
    let proxy = Proxy::to(0);
    let (url, metadata) = (proxy.url(), ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{aws}"));
    verify(&scene, &aws, &[("HTTPS_PROXY", &url), ("AWS_EC2_METADATA_DISABLED", "false"), metadata], &[]).exits(4);
    assert_eq!(proxy.asked(), ["CONNECT bucket.s3.eu-west-1.amazonaws.com:443"]);
    let ran = verify(&scene, &aws, &[("HTTPS_PROXY", &url)], &[]).exits(4);
    assert!(ran.stderr.contains("cannot find the region of the store"), "{ran:#?}");
}

/// The same as `verify`, by somebody at a terminal who types these lines, each when a code is asked for; and what the terminal showed.
fn verify_at_a_terminal(scene: &Scenario, aws: &Between, typed: &[&str]) -> (Option<i32>, String) {
    let at = |name: &str| scene.root().join(name);
    must("mkfifo", &[at("keys").as_os_str()]);
    let real = scene.command(&["verify", "s3://bucket/fleet", "--profile", "safe", "--no-progress"]);
    let words = std::iter::once(real.get_program()).chain(real.get_args()).map(|word| word.to_str().unwrap());
    let mut command = Command::new("/bin/sh");
    command.env_clear().envs(real.get_envs().filter_map(|(name, value)| Some((name, value?))));
    for service in ["STS", "KMS"] {
        command.env(format!("AWS_ENDPOINT_URL_{service}"), aws.endpoint());
    }
    command.env("AWS_MAX_ATTEMPTS", "1").env("AWS_EC2_METADATA_DISABLED", "true");
    // Opened for both, so that nobody waits for the other side, and it never ends.
    command.args(["-c", "exec script -qefc \"$1\" \"$2\" <> \"$3\"", "sh", &words.collect::<Vec<_>>().join(" ")]);
    command.args([at("shown"), at("keys")]);
    let process = Process::start(&mut command);
    let shown = || fs::read_to_string(at("shown")).unwrap_or_default();
    for (before, line) in typed.iter().enumerate() {
        wait_until("a code to be asked for", DEADLINE, || {
            shown().matches("MFA code for arn:aws:iam::1:mfa/me: ").count() > before
        });
        files::with(fs::File::options().write(true), at("keys"), |keys| keys.write_all(format!("{line}\n").as_bytes())).unwrap();
    }
    let ended = process.end(DEADLINE);
    (ended.code(), shown())
}

#[test]
fn a_code_is_asked_for_at_a_terminal_and_is_neither_shown_nor_asked_for_twice() {
    if !needs::met(&[Need::Program("script")]) {
        return;
    }
    let story = |request: &Request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let says = |word: &str| body.contains(word);
        if !says("Action=AssumeRole") {
            return None;
        }
        let wrong = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
        assert!(says("SerialNumber=arn%3Aaws%3Aiam%3A%3A1%3Amfa%2Fme") && says("ExternalId=e1"), "{body}");
        Some(if says("TokenCode=123456") { taken_on("AssumeRole", "MFAKEY") } else { sts_error(403, "AccessDenied", wrong) })
    };
    let safe =
        format!("[profile safe]\nrole_arn = {ROLE}\nexternal_id = e1\nmfa_serial = arn:aws:iam::1:mfa/me\nsource_profile =");
    let own = format!("{safe} safe{KEYS}");
    let other = format!("{safe} default\n[default]{KEYS}");
    for (config, typed, code) in [(&own, &["123456"][..], 3), (&other, &["12345", "123456"], 3), (&other, &["654321"], 4)] {
        let aws = aws(story);
        // KMS is asked as well, by the same: what it answers here is no answer.
        let scene = machine(&aws, "sign-key = \"alias/heads\"", config);
        let (ended, shown) = verify_at_a_terminal(&scene, &aws, typed);
        assert_eq!(ended, Some(code), "{shown}");
        assert!(!typed.iter().any(|line| shown.contains(line)), "{shown}");
        let asked = aws.asked();
        let with = |word: &str| {
            let signed = |request: &&Request| request.header("authorization").is_some_and(|header| header.contains(word));
            asked.iter().filter(signed).count()
        };
        assert_eq!(with("FILEKEY/"), 1, "STS is asked once");
        if code == 3 {
            assert!(askers(&aws) == ["MFAKEY"] && with("/kms/") == 1 && with("MFAKEY/") == asked.len() - 1, "{asked:#?}");
        } else {
            let told = "MultiFactorAuthentication failed with invalid MFA one time pass code";
            assert!(shown.contains(told) && shown.contains("type the code that the device shows now"), "{shown}");
        }
    }
}
