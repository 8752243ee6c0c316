use super::spiffe;
use rustls::pki_types::CertificateDer;
use std::{net::IpAddr, time::SystemTime};
use x509_cert::{
    Certificate,
    der::Decode,
    ext::pkix::{
        BasicConstraints, KeyUsage, SubjectAltName,
        name::{GeneralName, GeneralNames},
    },
};

/// What a peer proved to be: its certificate, which an authority that we trust
/// has signed, and the names in it (subject alternative names).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerIdentity {
    chain: Vec<CertificateDer<'static>>,
    dns_names: Vec<String>,
    ip_addresses: Vec<IpAddr>,
    uris: Vec<String>,
    emails: Vec<String>,
    is_svid: bool,
}

impl PeerIdentity {
    /// The certificates the peer sent, in DER, its own first. Those behind it
    /// are what it offered as the way to a root, and need not be.
    pub fn chain(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.chain.iter().map(|certificate| &**certificate)
    }

    /// Names of hosts; one may start with `*.`.
    pub fn dns_names(&self) -> &[String] {
        &self.dns_names
    }

    /// Addresses of hosts.
    pub fn ip_addresses(&self) -> &[IpAddr] {
        &self.ip_addresses
    }

    /// URIs of any scheme.
    pub fn uris(&self) -> &[String] {
        &self.uris
    }

    /// Addresses of people.
    pub fn emails(&self) -> &[String] {
        &self.emails
    }

    /// `spiffe://trust-domain/path`, if the certificate is a workload's by the
    /// rules of X509-SVID: exactly one URI, which is a SPIFFE ID with a path, in
    /// a certificate that signs handshakes and no other certificates.
    ///
    /// The trust domain is whatever the certificate says. If authorities of
    /// several domains are trusted, check that this one may speak for it.
    pub fn spiffe_id(&self) -> Option<&str> {
        match self.uris.as_slice() {
            [id] if self.is_svid => Some(id),
            _ => None,
        }
    }

    /// Whether `name` is one of its URIs or DNS names, letter for letter: what a star
    /// stands for is not `name`.
    pub(super) fn is_named(&self, name: &str) -> bool {
        let mut dns_names = self.dns_names.iter();
        dns_names.any(|own| own.eq_ignore_ascii_case(name))
            || self.uris.iter().any(|uri| uri == name)
    }

    /// A certificate that does not parse, though rustls took it, has no names.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Self {
        let mut identity = Self {
            chain: chain
                .iter()
                .cloned()
                .map(CertificateDer::into_owned)
                .collect(),
            ..Self::default()
        };
        let Some(leaf) = chain.first() else {
            return identity;
        };
        match Certificate::from_der(leaf) {
            Ok(leaf) => identity.read(&leaf),
            Err(error) => tracing::warn!(%error, "a certificate has no names that can be read"),
        }
        identity
    }

    fn read(&mut self, leaf: &Certificate) {
        for name in names(leaf) {
            match name {
                GeneralName::DnsName(name) => self.dns_names.push(name.to_string()),
                GeneralName::UniformResourceIdentifier(uri) => self.uris.push(uri.to_string()),
                GeneralName::Rfc822Name(email) => self.emails.push(email.to_string()),
                GeneralName::IpAddress(bytes) => {
                    self.ip_addresses.extend(address(bytes.as_bytes()))
                }
                _ => {}
            }
        }
        self.is_svid = signs_handshakes_only(leaf)
            && matches!(self.uris.as_slice(), [id] if spiffe::is_workload(id));
    }
}

fn names(leaf: &Certificate) -> GeneralNames {
    match leaf.tbs_certificate().get_extension::<SubjectAltName>() {
        Ok(Some((_, names))) => names.0,
        Ok(None) => GeneralNames::new(),
        Err(error) => {
            tracing::warn!(%error, "a certificate has no names that can be read");
            GeneralNames::new()
        }
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let sixteen = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    four.or_else(|_| sixteen()).ok()
}

/// X509-SVID, sections 4.1 and 4.3.
fn signs_handshakes_only(leaf: &Certificate) -> bool {
    let leaf = leaf.tbs_certificate();
    let is_ca = match leaf.get_extension::<BasicConstraints>() {
        Ok(constraints) => constraints.is_some_and(|(_, constraints)| constraints.ca),
        Err(_) => true,
    };
    match leaf.get_extension::<KeyUsage>() {
        Ok(Some((_, usage))) => {
            !is_ca && usage.digital_signature() && !usage.key_cert_sign() && !usage.crl_sign()
        }
        Ok(None) | Err(_) => false,
    }
}

/// When the first certificate of `chain` ends, if it can be read.
pub(super) fn end(chain: &[CertificateDer<'_>]) -> Option<SystemTime> {
    let leaf = Certificate::from_der(chain.first()?).ok()?;
    Some(leaf.tbs_certificate().validity().not_after.to_system_time())
}
