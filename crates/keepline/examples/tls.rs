//! Run with `cargo run -p keepline --example tls`: a line over TLS on both ends, with a certificate made on the spot.
//!
//! A TLS session is over 1 KiB, so each end hands it over in a `Box`: else it would sit in every idle line's future.

use std::io;
use std::sync::Arc;

use keepline::client::{Client, EchoProtocol, Event, Options, Verdict};
use keepline::serve::Server;
use keepline::{Duration, Plain, Settings, echo::Mirror, liveness::Heartbeat};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The two ends' settings: the client trusts the server's certificate and no other.
fn certificate() -> Result<(TlsAcceptor, TlsConnector), Box<dyn std::error::Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let mut trusted = RootCertStore::empty();
    trusted.add(certificate.clone())?;
    let server = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
    let client = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
    Ok((TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (acceptor, connector) = certificate()?;

    // The server: a step between accept and the line, bounded by the settings' `upgrade_within` (10 s).
    let server = Server::bind("127.0.0.1:0".parse()?, Settings::new(Heartbeat::watch(Duration::from_secs(10))?))?;
    let address = server.local_addr()?;
    let upgrade = move |stream: TcpStream| {
        let handshake = acceptor.accept(stream);
        async move { io::Result::Ok(Box::new(Plain::new(handshake.await?))) }
    };
    drop(tokio::spawn(server.run_upgraded(upgrade, Mirror)));

    // The client: any function from an endpoint to a stream connects.
    let connect = move |endpoint: String| {
        let connector = connector.clone();
        async move {
            let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
            let stream = TcpStream::connect(endpoint).await?;
            io::Result::Ok(Box::new(Plain::new(connector.connect(name, stream).await?)))
        }
    };
    let heartbeat = Heartbeat::client(Duration::from_secs(5), Duration::from_secs(5))?;
    let options = Options::new([address.to_string()], Settings::new(heartbeat));
    let (client, mut events) = Client::new(connect, EchoProtocol, options)?;
    while let Some(event) = events.next().await {
        match event {
            Event::Up { .. } => {
                if let Verdict::Answered(echo) = client.send(b"secret".to_vec()).await {
                    println!("echo: {}", String::from_utf8_lossy(&echo));
                }
                client.close();
            }
            Event::Failed { error, .. } => println!("failed: {error}"),
            _ => {}
        }
    }
    Ok(())
}
