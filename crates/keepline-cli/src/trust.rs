//! Trust: whose certificates are taken for a server's, and what is connected over TLS by that.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use keepline::Plain;
use keepline::im::{Chat, Events, Options, StartError};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::api::ServerUrl;

/// Where systems keep the authorities that they trust: Debian, Fedora, BSD.
const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Authorities, and nobody else.
#[derive(Clone)]
pub(crate) struct Authorities(Arc<RootCertStore>);

impl Authorities {
    /// Those of a file, in PEM; a server's own certificate is one too.
    ///
    /// # Errors
    /// It can't be read, or has none.
    pub(crate) fn of_file(path: &str) -> Result<Self, String> {
        let authorities = read(Path::new(path)).map_err(|error| error.to_string())?;
        if authorities.is_empty() {
            return Err("there is no certificate in PEM in it".to_owned());
        }
        Ok(Self(Arc::new(authorities)))
    }

    /// None at all.
    pub(crate) fn nobody() -> Self {
        Self(Arc::new(RootCertStore::empty()))
    }

    /// Those of the system; nobody, where it has none that we know of.
    fn of_the_system() -> Self {
        let found = BUNDLES.iter().find_map(|path| read(Path::new(path)).ok());
        Self(Arc::new(found.unwrap_or_else(RootCertStore::empty)))
    }
}

/// The client's side of TLS, by these authorities or by the system's.
pub(crate) fn client(authorities: Option<&Authorities>) -> Arc<ClientConfig> {
    let Authorities(roots) = authorities.cloned().unwrap_or_else(Authorities::of_the_system);
    let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has what TLS 1.2 and 1.3 ask for");
    Arc::new(versions.with_root_certificates(roots).with_no_client_auth())
}

/// How long connections are made to a server: over TLS where its URL says https.
#[derive(Clone, Debug)]
pub(crate) struct Way(Option<Arc<ClientConfig>>);

impl Way {
    pub(crate) fn to(server: &ServerUrl, authorities: Option<&Authorities>) -> Self {
        Self(server.is_tls().then(|| client(authorities)))
    }

    /// Starts a chat.
    ///
    /// # Errors
    /// The options contradict each other.
    pub(crate) fn chat(&self, mut options: Options) -> Result<(Chat, Events), StartError> {
        let Some(client) = &self.0 else { return Chat::start(options) };
        options.transport = "tls".into();
        let connector = TlsConnector::from(Arc::clone(client));
        let connect = move |endpoint: String| {
            let connector = connector.clone();
            async move {
                let stream = TcpStream::connect(&endpoint).await?;
                stream.set_nodelay(true)?;
                // A session of TLS is over 1 KiB: not for the line's own future.
                Ok(Box::new(Plain::new(connector.connect(name_of(&endpoint)?, stream).await?)))
            }
        };
        Chat::start_over(connect, options)
    }
}

/// Whom a certificate must name: the host of `host:port`, an IPv6 address in its brackets.
fn name_of(endpoint: &str) -> io::Result<ServerName<'static>> {
    let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    ServerName::try_from(host).map_err(io::Error::other)
}

fn read(path: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&fs::read(path)?) {
        // One that is of no use is passed over, as a system's bundle has some.
        roots.add_parsable_certificates([certificate.map_err(io::Error::other)?]);
    }
    Ok(roots)
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
}
