//! Files: a certificate chain and its key in PEM, and whether they are fit to be shown.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// No chain and no key is longer, in bytes.
const LONGEST: u64 = 1 << 20;

/// Where the certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two files")]
pub struct TlsFiles {
    /// The chain in PEM, the server's own certificate first.
    pub cert: PathBuf,
    /// The key of that certificate in PEM; nobody but its owner and group may read it, and nobody but its owner write.
    pub key: PathBuf,
}

/// Why a certificate can't be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Whoever has the key is the server.
    #[error("{} can be read by everybody on this machine, or written by its group: chmod 600 it", .path.display())]
    OpenKey {
        /// The key.
        path: PathBuf,
    },
    /// A file has no PEM of the sort.
    #[error("{} has no {what} in PEM: {why}", .path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// The parser's words.
        why: String,
    },
    /// The two don't belong together, or the key is of a sort that is not known.
    #[error("{} and {} don't fit each other: {source}", .cert.display(), .key.display())]
    Pair {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// This build's cryptography has no protocol in common with anybody.
    #[error("no TLS in this build: {0}")]
    Provider(rustls::Error),
}

/// By what a file is known to be another than before.
pub(super) type Stamp = [(u64, u64, i64, i64); 2];

impl TlsFiles {
    /// Reads both, and tries them on each other.
    pub(super) fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let pem = |path: &Path, what, why: &dyn std::fmt::Display| TlsError::Pem {
            path: path.to_owned(),
            what,
            why: why.to_string(),
        };
        let chain = CertificateDer::pem_slice_iter(&contents(&self.cert)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| pem(&self.cert, "certificate", &error))?;
        if chain.is_empty() {
            return Err(pem(&self.cert, "certificate", &"it has none at all"));
        }
        let mode = fs::metadata(&self.key).map_err(|source| failed(&self.key, source))?.permissions().mode();
        // A group may read it: that is how a system hands keys to its servers.
        if mode & 0o027 != 0 {
            return Err(TlsError::OpenKey { path: self.key.clone() });
        }
        let key = PrivateKeyDer::from_pem_slice(&contents(&self.key)?)
            .map_err(|error| pem(&self.key, "private key", &error))?;
        CertifiedKey::from_der(chain, key, provider).map_err(|source| TlsError::Pair {
            cert: self.cert.clone(),
            key: self.key.clone(),
            source,
        })
    }

    /// How both look from outside; `None` while one of them is not there.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let of = |path: &Path| {
            let data = fs::metadata(path).ok()?;
            Some((data.ino(), data.size(), data.mtime(), data.mtime_nsec()))
        };
        Some([of(&self.cert)?, of(&self.key)?])
    }
}

fn failed(path: &Path, source: io::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), source }
}

fn contents(path: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
        .map_err(|source| failed(path, source))?;
    Ok(bytes)
}
