//! The accept loop: bursts under load, back-off when the process is out of descriptors, never a spin.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use keepline_proto::Duration;
use rustix::io::Errno;

use super::registry::Place;
use super::{Listener, ServerHandle, Service};
use crate::conn::{Driver, Environment, Transport};

/// Connections accepted in one turn before other tasks have theirs.
const BURST: usize = 64;
/// The pause after the first failure for want of descriptors or memory; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// For an upgrade whose server sets no deadline for the handshake.
const UPGRADE_WITHIN: Duration = Duration::from_secs(10);

/// Accepts for ever, and hands over what finds a place.
pub(super) async fn accept<L: Listener>(
    listener: &mut L,
    handle: &ServerHandle,
    mut open: impl FnMut(L::Io, Option<SocketAddr>, Place),
) {
    let mut reserve = Reserve::new();
    let mut pause = FIRST_PAUSE;
    loop {
        match accept_burst(listener, handle, &mut open).await {
            Ok(()) => {
                pause = FIRST_PAUSE;
                reserve.refill();
                tokio::task::yield_now().await;
            }
            Err(error) => {
                if let Some(observer) = &handle.environment.settings.observer {
                    observer.on_accept_error(&error);
                }
                if is_of_one_connection(&error) {
                    continue;
                }
                tracing::warn!(%error, pause = %pause, "accept failed; backing off");
                // The descriptor held back turns the waiting connection away, so that its peer learns of it at once.
                if reserve.spend() {
                    turn_one_away(listener).await;
                    reserve.refill();
                }
                tokio::time::sleep(pause.to_std()).await;
                pause = pause.times(2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Upgrades a connection within the handshake's deadline, then drives it as a line.
pub(super) async fn upgraded<S: Service, Io: Transport>(
    upgrade: Pin<Box<dyn Future<Output = io::Result<Io>> + Send>>,
    peer: Option<SocketAddr>,
    place: Place,
    service: Arc<S>,
    environment: Arc<Environment>,
) {
    let within = environment.settings.handshake_within.unwrap_or(UPGRADE_WITHIN);
    let io = match tokio::time::timeout(within.to_std(), upgrade).await {
        Ok(Ok(io)) => io,
        Ok(Err(error)) => return tracing::debug!(?peer, %error, "upgrade failed"),
        Err(_) => return tracing::debug!(?peer, within = %within, "upgrade took too long"),
    };
    let (handler, codec) = service.open(peer);
    let driver = Driver::new(io, handler, codec, environment, place.id);
    place.occupy(driver.shared(), peer);
    driver.await;
}

/// Accepts what waits, at least one; the error of an accept ends the burst.
async fn accept_burst<L: Listener>(
    listener: &mut L,
    handle: &ServerHandle,
    open: &mut impl FnMut(L::Io, Option<SocketAddr>, Place),
) -> io::Result<()> {
    poll_fn(|cx| {
        for accepted in 0..BURST {
            match listener.poll_accept(cx) {
                Poll::Ready(Ok((io, peer))) => match handle.registry.admit(peer) {
                    Ok(place) => open(io, peer, place),
                    Err(reason) => {
                        tracing::debug!(?peer, %reason, "connection refused");
                        if let Some(observer) = &handle.environment.settings.observer {
                            observer.on_refused(peer, reason);
                        }
                    }
                },
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if accepted == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}

/// Accepts one connection if one waits, and closes it.
async fn turn_one_away<L: Listener>(listener: &mut L) {
    poll_fn(|cx| match listener.poll_accept(cx) {
        Poll::Ready(Ok((io, peer))) => {
            tracing::debug!(?peer, "connection refused for want of descriptors");
            drop(io);
            Poll::Ready(())
        }
        _ => Poll::Ready(()),
    })
    .await;
}

/// Errors that the peer caused before it was accepted; anything else is ours, and would come again at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    !matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        None | Some(
            Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::BADF | Errno::INVAL | Errno::NOTSOCK
        )
    )
}

/// One descriptor held back for the day when there are no more.
struct Reserve(Option<File>);

impl Reserve {
    fn new() -> Self {
        let mut reserve = Self(None);
        reserve.refill();
        reserve
    }

    fn refill(&mut self) {
        if self.0.is_none() {
            self.0 = File::open("/dev/null").ok();
        }
    }

    /// Gives the descriptor up; false if there was none.
    fn spend(&mut self) -> bool {
        self.0.take().is_some()
    }
}
