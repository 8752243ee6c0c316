//! Certificates made for one test.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::sync::Arc;

/// Signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A chain and its key.
pub struct Pem {
    pub chain: String,
    pub key: String,
}

impl Pem {
    /// The leaf in DER.
    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap()
    }
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority");
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn server(&self, name: &str) -> Pem {
        self.sign(named(name, ExtendedKeyUsagePurpose::ServerAuth))
    }

    pub fn client(&self, name: &str) -> Pem {
        self.sign(named(name, ExtendedKeyUsagePurpose::ClientAuth))
    }

    /// A client by these names, whose key signs handshakes.
    pub fn client_with(&self, names: Vec<SanType>) -> Pem {
        self.signing(names, ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// A server by these names, whose key signs handshakes.
    pub fn server_with(&self, names: Vec<SanType>) -> Pem {
        self.signing(names, ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn signing(&self, names: Vec<SanType>, usage: ExtendedKeyUsagePurpose) -> Pem {
        let mut params = named("by other names", usage);
        params.subject_alt_names = names;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        self.sign(params)
    }

    /// One that was good for a year, long ago.
    pub fn expired(&self, usage: ExtendedKeyUsagePurpose) -> Pem {
        let mut params = named("localhost", usage);
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(2002, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Pem {
        let key = KeyPair::generate().unwrap();
        Pem {
            chain: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

fn named(name: &str, usage: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages.push(usage);
    params
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

pub fn roots(authority: &Authority) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.0.der().clone()).unwrap();
    roots
}

/// A stock client that trusts `authority`.
pub fn client(authority: &Authority) -> ClientConfig {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(authority))
        .with_no_client_auth()
}

/// A stock server that proves itself with `pem`.
pub fn server(pem: &Pem) -> ServerConfig {
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).unwrap();
    ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![pem.der()], key)
        .unwrap()
}
