//! Connect: how a client gets a byte stream to an endpoint.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use keepline_proto::Duration;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;

use crate::conn::Transport;
use crate::kernel::KernelWatch;

/// Makes the byte stream of a new line. A whole attempt, names and TLS included, is bounded by the client's settings.
pub trait Connect: Send + Sync + 'static {
    /// What carries the line.
    type Io: Transport;

    /// Connects to an endpoint, as it stands in the client's list.
    ///
    /// # Errors
    /// The endpoint can't be reached; the client goes on with the next one.
    fn connect(&self, endpoint: &str) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

/// TCP to `host:port`, with `TCP_NODELAY`; a name is looked up for each attempt, and its addresses are tried in order.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Tcp {
    /// The kernel's own watch over the line; none by default.
    pub watch: KernelWatch,
}

impl Connect for Tcp {
    type Io = TcpStream;

    async fn connect(&self, endpoint: &str) -> io::Result<TcpStream> {
        let addresses: Vec<SocketAddr> = lookup_host(endpoint).await?.collect();
        let mut last = io::Error::new(io::ErrorKind::NotFound, format!("{endpoint} has no address"));
        let mut addresses = addresses.into_iter().peekable();
        while let Some(address) = addresses.next() {
            let attempt = TcpStream::connect(address);
            let result = match addresses.peek() {
                // One address that swallows SYNs must not use up the time of the others.
                Some(_) => timeout(PER_ADDRESS.to_std(), attempt).await.unwrap_or_else(|late| Err(late.into())),
                None => attempt.await,
            };
            match result {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    self.watch.apply(&stream)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// The most that one of a name's addresses gets while there are others; the last one gets what is left of the attempt's
/// time.
const PER_ADDRESS: Duration = Duration::from_secs(2);

/// A Unix socket at a path.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "nothing to configure")]
pub struct Unix;

impl Connect for Unix {
    type Io = UnixStream;

    async fn connect(&self, endpoint: &str) -> io::Result<UnixStream> {
        UnixStream::connect(endpoint).await
    }
}

impl<F, R, Io> Connect for F
where
    F: Fn(String) -> R + Send + Sync + 'static,
    R: Future<Output = io::Result<Io>> + Send + 'static,
    Io: Transport,
{
    type Io = Io;

    fn connect(&self, endpoint: &str) -> impl Future<Output = io::Result<Io>> + Send {
        self(endpoint.to_owned())
    }
}
