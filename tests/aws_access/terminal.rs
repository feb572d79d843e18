//! A code of MFA is asked for at a terminal: once, and without being shown there.

use std::{fs, io::Write, process::Command};

use super::{KEYS, ROLE, askers, aws, machine, sts_error, taken_on};
use crate::support::{
    between::{Between, Request},
    files,
    needs::{self, Need},
    process::{Process, must},
    scenario::{DEADLINE, Scenario},
    wait_until,
};

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
