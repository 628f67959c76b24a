//! Tls: the certificate that the server shows, read again without dropping a line.
//!
//! A line that is up keeps the certificate of its handshake; each new handshake takes the one of now. A certificate or
//! a key that can't be used leaves the old pair in force.

mod files;
mod stream;
mod validity;
mod watch;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures_core::future::BoxFuture;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

pub use files::{TlsError, TlsFiles};
pub use validity::{SOON, Standing, Validity};
pub use watch::LOOK_EVERY;

pub(crate) use stream::Secured;
pub(crate) use watch::watch;

use files::Stamp;

/// The server's side of TLS: 1.2 and 1.3, ring, no certificate of clients.
pub struct Tls {
    files: RwLock<TlsFiles>,
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
    /// Of the files as they were when they were last read.
    stamp: Mutex<Option<Stamp>>,
}

/// A handshake.
pub(crate) type Upgrading = BoxFuture<'static, io::Result<Secured>>;

/// What new handshakes are shown.
struct Shown(RwLock<Arc<CertifiedKey>>);

/// What became of a look at the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Reloaded {
    /// Another certificate is shown from now on.
    Changed,
    /// It is the same.
    Same,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// They can't be read, others can read the key, or the two don't belong together.
    pub fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let stamp = files.stamp();
        let shown = Arc::new(Shown(RwLock::new(Arc::new(files.read(&provider)?))));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Provider)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as _);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Arc::new(Self { files: RwLock::new(files), shown, acceptor, stamp: Mutex::new(stamp) }))
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// As [`load`](Self::load); what was shown is shown on.
    pub fn reload(&self) -> Result<Reloaded, TlsError> {
        let files = self.files();
        *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) = files.stamp();
        let read = files.read(&ring::default_provider())?;
        Ok(self.show(read))
    }

    /// Reads other files, and looks after those from now on.
    ///
    /// # Errors
    /// As [`load`](Self::load); what was shown is shown on, and the old files are looked after.
    pub fn reload_from(&self, files: TlsFiles) -> Result<Reloaded, TlsError> {
        let (stamp, read) = (files.stamp(), files.read(&ring::default_provider())?);
        *self.files.write().unwrap_or_else(PoisonError::into_inner) = files;
        *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) = stamp;
        Ok(self.show(read))
    }

    fn show(&self, read: CertifiedKey) -> Reloaded {
        let mut shown = self.shown.0.write().unwrap_or_else(PoisonError::into_inner);
        if shown.cert == read.cert {
            return Reloaded::Same;
        }
        *shown = Arc::new(read);
        Reloaded::Changed
    }

    /// As [`reload`](Self::reload), unless the files look as they did at the last time, broken or not: so that one that
    /// is broken is told of once.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn reload_if_touched(&self) -> Result<Reloaded, TlsError> {
        if self.files().stamp() == *self.stamp.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(Reloaded::Same);
        }
        self.reload()
    }

    /// When the certificate that is shown is valid; `None` if its dates can't be read.
    #[must_use]
    pub fn validity(&self) -> Option<Validity> {
        Validity::of(&self.shown.0.read().unwrap_or_else(PoisonError::into_inner).cert)
    }

    /// Where it comes from.
    #[must_use]
    pub fn files(&self) -> TlsFiles {
        self.files.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The step between accept and a line.
    pub(crate) fn upgrade(&self) -> impl Fn(TcpStream) -> Upgrading + Send + Sync + 'static + use<> {
        let acceptor = self.acceptor.clone();
        move |socket| {
            let shaking = acceptor.accept(socket);
            Box::pin(async move { Ok(Secured::new(shaking.await?)) })
        }
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown(..)")
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files()).finish_non_exhaustive()
    }
}
