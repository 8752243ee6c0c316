//! An authority made for one run, and a server certificate it signs.

use std::fs;
use std::io;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// The name the suite gives to `--server_host_override`.
pub const SERVER_NAME: &str = "foo.test.google.fr";

/// An authority and a server it vouches for, as PEM.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate.
    pub ca: String,
    /// The server's certificate, for [`SERVER_NAME`], localhost and the loopback address.
    pub server: String,
    /// The server's private key.
    pub server_key: String,
}

impl Certificates {
    /// Makes new ones.
    pub fn generate() -> Result<Self, rcgen::Error> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "interop authority");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let names = [SERVER_NAME, "localhost", "127.0.0.1"].map(String::from);
        let mut params = CertificateParams::new(names)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params
            .distinguished_name
            .push(DnType::CommonName, SERVER_NAME);
        let key = KeyPair::generate()?;
        let server = params.signed_by(&key, &authority)?;

        Ok(Self {
            ca: authority.pem(),
            server: server.pem(),
            server_key: key.serialize_pem(),
        })
    }

    /// Writes `ca.pem`, `server.pem` and `server.key` into `folder`.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("ca.pem"), &self.ca)?;
        fs::write(folder.join("server.pem"), &self.server)?;
        fs::write(folder.join("server.key"), &self.server_key)
    }
}
