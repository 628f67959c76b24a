//! TLS of a benchmark: the certificate that the measured server shows, and whom the load trusts: nobody else.

use std::{path::PathBuf, sync::Arc};

use rustls::{ClientConfig, ClientConnection, client::Resumption, pki_types::ServerName};

use super::super::Error;
use crate::trust::{self, Authorities};

/// A certificate with its key, both in PEM, and what trusts it.
#[derive(Clone, Debug)]
pub(crate) struct Secure {
    certificate: PathBuf,
    key: PathBuf,
    client: Arc<ClientConfig>,
}

impl Secure {
    /// With files that `keepline serve` takes; the certificate is for `localhost`.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no certificate in its file. The key is the server's to read.
    pub(crate) fn of_files(certificate: PathBuf, key: PathBuf) -> Result<Self, Error> {
        let authorities = Authorities::of_file(&certificate.to_string_lossy())
            .map_err(|error| Error::Usage(format!("--tls-cert {}: {error}", certificate.display())))?;
        let mut client = ClientConfig::clone(&trust::client(Some(&authorities)));
        // Each handshake is a whole one: nobody has been here before.
        client.resumption = Resumption::disabled();
        Ok(Self { certificate, key, client: Arc::new(client) })
    }

    /// The flags of `keepline serve` for it.
    pub(super) fn flags(&self) -> [String; 4] {
        let [certificate, key] = [&self.certificate, &self.key].map(|file| file.to_string_lossy().into_owned());
        ["--tls-cert".to_owned(), certificate, "--tls-key".to_owned(), key]
    }

    /// The load's end of a new connection.
    ///
    /// # Errors
    /// [`Error::Failed`]: a bug.
    pub(super) fn connection(&self) -> Result<Box<ClientConnection>, Error> {
        let name = ServerName::try_from("localhost").map_err(|error| Error::Failed(error.to_string()))?;
        let connection = ClientConnection::new(Arc::clone(&self.client), name);
        connection.map(Box::new).map_err(|error| Error::Failed(error.to_string()))
    }
}
