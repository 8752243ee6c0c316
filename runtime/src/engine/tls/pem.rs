use super::{Error, ErrorKind, bad};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{fmt, path::PathBuf, sync::Arc};

/// Certificates or a key as PEM: text, or a file that is read again when it
/// changes.
///
/// ```
/// use cordial_runtime::Pem;
///
/// let never_changes = Pem::from("-----BEGIN CERTIFICATE----- ...");
/// let followed = Pem::file("/etc/tls/tls.crt");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Pem(Source);

#[derive(Clone, PartialEq, Eq)]
enum Source {
    Text(Arc<[u8]>),
    File(PathBuf),
}

impl Pem {
    /// What the file holds, now and whenever it is replaced.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    pub(super) fn is_file(&self) -> bool {
        matches!(self.0, Source::File(_))
    }

    /// Waits for the disk, if it is a file.
    pub(super) fn read(&self) -> Result<Vec<u8>, Error> {
        match &self.0 {
            Source::Text(text) => Ok(text.to_vec()),
            Source::File(path) => std::fs::read(path)
                .map_err(|error| bad(format!("cannot read `{}`", path.display()), error)),
        }
    }

    /// ` in` and where it comes from, to be said after what is wrong with it.
    pub(super) fn place(&self) -> String {
        match &self.0 {
            Source::Text(_) => String::new(),
            Source::File(path) => format!(" in `{}`", path.display()),
        }
    }

    pub(super) fn certificates(&self, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
        let place = self.place();
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
        let read = read.map_err(|error| bad(format!("a certificate{place} is no PEM"), error))?;
        match read.is_empty() {
            false => Ok(read),
            true => Err(Error::new(
                ErrorKind::Tls,
                format!("the PEM{place} holds no certificate"),
            )),
        }
    }

    pub(super) fn key(&self, text: &[u8]) -> Result<PrivateKeyDer<'static>, Error> {
        PrivateKeyDer::from_pem_slice(text).map_err(|error| {
            let place = self.place();
            bad(format!("the PEM{place} holds no private key"), error)
        })
    }

    pub(super) fn roots(&self, text: &[u8]) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates(text)? {
            roots.add(certificate).map_err(|error| {
                let place = self.place();
                bad(format!("a certificate{place} is no trust root"), error)
            })?;
        }
        Ok(roots)
    }
}

impl From<&[u8]> for Pem {
    fn from(text: &[u8]) -> Self {
        Self(Source::Text(text.into()))
    }
}

impl<const N: usize> From<&[u8; N]> for Pem {
    fn from(text: &[u8; N]) -> Self {
        text.as_slice().into()
    }
}

impl From<&Vec<u8>> for Pem {
    fn from(text: &Vec<u8>) -> Self {
        text.as_slice().into()
    }
}

impl From<Vec<u8>> for Pem {
    fn from(text: Vec<u8>) -> Self {
        Self(Source::Text(text.into()))
    }
}

impl From<&str> for Pem {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<String> for Pem {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&String> for Pem {
    fn from(text: &String) -> Self {
        text.as_bytes().into()
    }
}

/// The text may be a key, so it is not shown.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Text(_) => f.write_str("Pem(..)"),
            Source::File(path) => f.debug_tuple("Pem").field(path).finish(),
        }
    }
}
