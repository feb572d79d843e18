//! How bytes get to AWS: through the proxy that the variables name (`HTTPS_PROXY`, `NO_PROXY` and the like), trusting whom `AWS_CA_BUNDLE` names.
//! What is asked of the machine itself (its role, from IMDS or its container's agent) never goes through a proxy.

use std::{
    env,
    fs::File,
    io::Read,
    net::{IpAddr, Ipv6Addr},
    path::{Path, PathBuf},
};

use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector},
    orchestrator::HttpRequest,
    runtime_components::RuntimeComponents,
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{
    aws::profile::Profile,
    failure::{Doing, Failure, Result},
};

/// All the CAs that a system has are a tenth of this.
const LONGEST: u64 = 4 << 20;
/// Who of these is named is asked.
const PROXIES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// What every client of the SDK speaks through.
pub(super) fn client(profile: &Profile) -> Result<SharedHttpClient> {
    let trust = trust(profile)?;
    let near = of(trust.clone(), ProxyConfig::disabled);
    if !PROXIES.iter().any(|name| env::var_os(name).is_some_and(|value| !value.is_empty())) {
        return Ok(near);
    }
    Ok(SharedHttpClient::new(Roads { near, far: of(trust, ProxyConfig::from_env) }))
}

fn of(trust: TlsContext, proxy: fn() -> ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().proxy_config(proxy());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(trust.clone()).build()
    })
}

/// Whom to trust: whom the system does, or, as every AWS tool understands it, only those of the bundle.
fn trust(profile: &Profile) -> Result<TlsContext> {
    let named = env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from);
    let store = match named.or_else(|| profile.says("ca_bundle").map(PathBuf::from)) {
        Some(path) => TrustStore::empty().with_pem_certificate(bundle(&path)?),
        None => TrustStore::default(),
    };
    TlsContext::builder()
        .with_trust_store(store)
        .build()
        .map_err(|error| Failure::new("set up", "TLS").because(error.to_string()))
}

/// The certificates of the file, each of which can be one: the SDK panics at what it cannot read.
fn bundle(path: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    let file = File::open(path).doing("open", path.display())?;
    file.take(LONGEST).read_to_end(&mut text).doing("read", path.display())?;
    let refuse = |why: String| {
        let failure = Failure::new("trust", format!("the certificates in {}", path.display())).because(why);
        failure.hint("AWS_CA_BUNDLE names a file with the CA's certificate between -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----")
    };
    let mut known = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| refuse(format!("one of them cannot be read: {error}")))?;
        known.add(certificate).map_err(|error| refuse(format!("one of them is none: {error}")))?;
    }
    if known.is_empty() { Err(refuse("there is none in it".to_owned())) } else { Ok(text) }
}

/// One way through the proxy, and one past it.
#[derive(Debug)]
struct Roads<T> {
    near: T,
    far: T,
}

impl HttpClient for Roads<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let [near, far] = [&self.near, &self.far].map(|client| client.http_connector(settings, components));
        SharedHttpConnector::new(Roads { near, far })
    }
}

impl HttpConnector for Roads<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let instance = env::var("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_default();
        let host = host(request.uri());
        if is_near(host) || (!host.is_empty() && host == self::host(&instance)) {
            self.near.call(request)
        } else {
            self.far.call(request)
        }
    }
}

/// The host of a URL, without its port and brackets.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => place.split(':').next().unwrap_or_default(),
    }
}

/// Whether it is this machine, or what answers for it: nobody else can ask that.
fn is_near(host: &str) -> bool {
    /// `fd00:ec2::254` and `fd00:ec2::23` are IMDS and the agent of EKS.
    const EC2: [u16; 2] = [0xfd00, 0x0ec2];
    let ec2 = |address: Ipv6Addr| address.segments()[..2] == EC2;
    match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || ec2(address),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_answers_for_the_machine_is_near_and_aws_is_not() {
        for near in [
            "http://169.254.169.254/latest",
            "http://[fd00:ec2::254]:80/x",
            "http://169.254.170.2?x",
            "http://localhost:9/",
            "127.0.0.1:1",
        ] {
            assert!(is_near(host(near)), "{near}");
        }
        for far in [
            "https://s3.eu-central-1.amazonaws.com/b",
            "https://10.0.0.1:443",
            "https://[2600::1]/",
            "http://169.254.169.254.example.org",
        ] {
            assert!(!is_near(host(far)), "{far}");
        }
    }
}
