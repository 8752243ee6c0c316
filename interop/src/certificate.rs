//! An authority made for one run, and the certificates it signs.

use std::fs;
use std::io;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

/// The name the suite gives to `--server_host_override`.
pub const SERVER_NAME: &str = "foo.test.google.fr";

/// An authority, and a server and a client it vouches for, as PEM.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// The authority's certificate.
    pub ca: String,
    /// The server's certificate, for [`SERVER_NAME`], localhost and the loopback address.
    pub server: String,
    /// The server's private key.
    pub server_key: String,
    /// The client's certificate.
    pub client: String,
    /// The client's private key.
    pub client_key: String,
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

        let names = [SERVER_NAME, "localhost", "127.0.0.1"];
        let (server, server_key) = sign(&authority, &names, ExtendedKeyUsagePurpose::ServerAuth)?;
        let names = ["client.test.google.fr"];
        let (client, client_key) = sign(&authority, &names, ExtendedKeyUsagePurpose::ClientAuth)?;
        Ok(Self {
            ca: authority.pem(),
            server,
            server_key,
            client,
            client_key,
        })
    }

    /// Writes `ca.pem`, and `.pem` and `.key` of `server` and `client`, into `folder`.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("ca.pem"), &self.ca)?;
        fs::write(folder.join("server.pem"), &self.server)?;
        fs::write(folder.join("server.key"), &self.server_key)?;
        fs::write(folder.join("client.pem"), &self.client)?;
        fs::write(folder.join("client.key"), &self.client_key)
    }
}

/// A certificate and its key, for the first of `names` and the others.
fn sign(
    authority: &CertifiedIssuer<'_, KeyPair>,
    names: &[&str],
    usage: ExtendedKeyUsagePurpose,
) -> Result<(String, String), rcgen::Error> {
    let all: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(all)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![usage];
    params.use_authority_key_identifier_extension = true;
    params.distinguished_name.push(DnType::CommonName, names[0]);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?;
    Ok((certificate.pem(), key.serialize_pem()))
}
