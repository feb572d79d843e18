//! The way to a bucket: the flags about it, a proxy and a private authority, endpoints that are FIPS and dual-stack, and whose region it is.

use super::{KEYS, askers, assert_answered, aws, instance, machine, verify};
use crate::support::{
    files,
    needs::{self, Need},
    proxy::Proxy,
    tls,
};

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
    assert_answered(verify(&scene, &aws, &[], &["--region", "eu-north-1"]));
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
    assert_answered(run(&proxy, &[]));
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
