//! The accept loop: bursts under load, back-off when the process is out of descriptors, never a spin.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use keepline_proto::{Duration, Instant, Reason};
use rustix::io::Errno;

use super::farewell::Farewell;
use super::rate::Pace;
use super::registry::Place;
use super::{Listener, ServerHandle, Service};
use crate::clock;
use crate::conn::{Deadlines, Driver, Transport, reason_of};
use crate::observe::Observer;

/// Connections accepted in one turn before other tasks have theirs.
const BURST: usize = 64;
/// The pause after the first failure for want of descriptors or memory; doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Bursts turned away a pause, 1024 connections, while there are no descriptors.
const BURSTS_AWAY: usize = 16;

/// Accepts for ever, and hands over what finds a place, and what finds none with the reason.
pub(super) async fn accept<L: Listener>(
    listener: &mut L,
    handle: &ServerHandle,
    farewell: &Farewell,
    mut admit: impl FnMut(L::Io, Result<Accepted, Reason>),
) {
    let mut reserve = Reserve::new();
    let mut pause = FIRST_PAUSE;
    let mut pace = Pace::new(handle.registry.limits().accepts);
    loop {
        if let Some(rest) = pace.rest(clock::now()) {
            // Who knocks meanwhile waits in the backlog, which costs us nothing.
            tokio::time::sleep(rest.to_std()).await;
        }
        match accept_burst(listener, handle, &mut pace, &mut admit).await {
            Ok(()) => {
                pause = FIRST_PAUSE;
                reserve.refill();
                farewell.room_for(BURST).await;
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tell(handle, |observer| observer.on_accept_error(&error));
                if is_of_one_connection(&error) {
                    continue;
                }
                tracing::warn!(%error, pause = %pause, "accept failed; backing off");
                // The descriptor held back turns away who waits, so that their peers learn of it at once.
                if reserve.spend() {
                    turn_away(listener).await;
                    reserve.refill();
                }
                tokio::time::sleep(pause.to_std()).await;
                pause = pause.times(2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// A connection that has found a place, but is no line yet.
pub(super) struct Accepted {
    pub(super) peer: Option<SocketAddr>,
    pub(super) place: Place,
    /// The deadlines of the upgrade and of the handshake count from here.
    pub(super) at: Instant,
}

/// Upgrades a connection within its deadline, then opens the line.
pub(super) async fn upgraded<S: Service, Io: Transport>(
    upgrading: impl Future<Output = io::Result<Io>>,
    accepted: Accepted,
    service: Arc<S>,
    handle: ServerHandle,
) {
    let Deadlines { upgrade, handshake } = handle.environment.deadlines();
    let by = accepted.at + handshake.map_or(upgrade, |all| all.min(upgrade));
    let upgraded = tokio::time::timeout_at(clock::to_tokio(by), caught(upgrading));
    let reason = match handle.until_draining(upgraded).await {
        Some(Ok(Ok(Ok(io)))) => return open(io, accepted, &*service, &handle),
        Some(Ok(Ok(Err(error)))) => {
            tracing::debug!(peer = ?accepted.peer, %error, "upgrade failed");
            reason_of(&error)
        }
        Some(Ok(Err(Panicked))) => {
            tracing::error!(peer = ?accepted.peer, "panic in the upgrade");
            Reason::ServerError
        }
        Some(Err(_)) => Reason::HandshakeTimeout,
        None => Reason::Draining,
    };
    refuse(&handle, accepted.peer, reason);
}

/// Opens a line in a task of its own.
pub(super) fn open<S: Service, Io: Transport>(io: Io, accepted: Accepted, service: &S, handle: &ServerHandle) {
    let Accepted { peer, place, at } = accepted;
    // Caught: a panic in here would end the accept loop, and with it the server.
    let Ok((handler, codec)) = catch_unwind(AssertUnwindSafe(|| service.open(peer))) else {
        tracing::error!(?peer, "panic in Service::open");
        return refuse(handle, peer, Reason::ServerError);
    };
    let mut driver = Driver::new(io, handler, codec, Arc::clone(&handle.environment), place.id);
    driver.accepted_at(at);
    place.occupy(driver.shared(), peer);
    if handle.is_draining() {
        // The drain may have counted its lines before this one was there.
        driver.shared().request_close(Reason::Draining);
    }
    drop(tokio::spawn(driver));
}

/// Writes down that a connection is turned away.
fn refuse(handle: &ServerHandle, peer: Option<SocketAddr>, reason: Reason) {
    tracing::debug!(?peer, %reason, "connection refused");
    tell(handle, |observer| observer.on_refused(peer, reason));
}

/// Tells the observer, whose panic must not end the accept loop.
fn tell(handle: &ServerHandle, what: impl FnOnce(&dyn Observer)) {
    let Some(observer) = &handle.environment.settings.observer else { return };
    if catch_unwind(AssertUnwindSafe(|| what(&**observer))).is_err() {
        tracing::error!("panic in the observer");
    }
}

/// Runs a future; a panic in it is an error.
async fn caught<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}

/// The panic itself has been reported by the panic hook.
struct Panicked;

/// Accepts what waits, at least one; the error of an accept ends the burst.
async fn accept_burst<L: Listener>(
    listener: &mut L,
    handle: &ServerHandle,
    pace: &mut Pace,
    admit: &mut impl FnMut(L::Io, Result<Accepted, Reason>),
) -> io::Result<()> {
    poll_fn(|cx| {
        for accepted in 0..BURST {
            match listener.poll_accept(cx) {
                Poll::Ready(Ok((io, peer))) => {
                    if accepted == 0 {
                        pace.set(handle.registry.limits().accepts);
                    }
                    let (admitted, at) = (handle.registry.admit(peer), clock::now());
                    pace.count(at, admitted.is_ok());
                    if let Err(reason) = admitted {
                        refuse(handle, peer, reason);
                    }
                    admit(io, admitted.map(|place| Accepted { peer, place, at }));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if accepted == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        Poll::Ready(Ok(()))
    })
    .await
}

/// Accepts what waits, one after another on one descriptor, and closes it.
async fn turn_away<L: Listener>(listener: &mut L) {
    for _ in 0..BURSTS_AWAY {
        let refused = poll_fn(|cx| Poll::Ready(turn_burst_away(listener, cx))).await;
        tracing::debug!(refused, "connections refused for want of descriptors");
        if refused < BURST {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// How many it were; fewer than [`BURST`] where no more wait, or the descriptor has gone elsewhere.
fn turn_burst_away<L: Listener>(listener: &mut L, cx: &mut Context<'_>) -> usize {
    let is_refused =
        |_: &usize| listener.poll_accept(cx).map(|accepted| accepted.map(drop).is_ok()) == Poll::Ready(true);
    (0..BURST).take_while(is_refused).count()
}

/// Errors that took one waiting connection with them (accept(2) names them); any other may come again at once, and must
/// not make the loop spin.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        Some(
            Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::INTR
                | Errno::PERM
                | Errno::PROTO
                | Errno::NOPROTOOPT
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::NONET
                | Errno::TIMEDOUT
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_took_a_connection_with_them_are_tried_again_at_once() {
        let one = [Errno::CONNABORTED, Errno::PERM, Errno::PROTO, Errno::NETUNREACH, Errno::INTR];
        let ours = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS, Errno::INVAL, Errno::FAULT, Errno::IO];
        for (errnos, expected) in [(&one[..], true), (&ours[..], false)] {
            for errno in errnos {
                assert_eq!(
                    is_of_one_connection(&io::Error::from_raw_os_error(errno.raw_os_error())),
                    expected,
                    "{errno}"
                );
            }
        }
        assert!(!is_of_one_connection(&io::Error::other("a listener of one's own")), "unknown: back off");
    }
}
