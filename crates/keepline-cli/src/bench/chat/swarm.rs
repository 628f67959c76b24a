//! Many clients of one server, in any protocol.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{
    super::{
        Deadline, Error,
        progress::Progress,
        reactor::{Connection as _, Next, Reactor},
        socket::unreachable,
    },
    peer::Peer,
    secure::Secure,
    speech::{Heard, Ready, Speech},
};

/// How many clients may be between their connect and their login where that is not what is measured.
pub(super) const GENTLY: usize = 512;

/// What happened to a client.
#[derive(Debug)]
pub(super) enum Happening<'a> {
    /// A frame came.
    Heard(Heard<'a>),
    /// The server closed the connection; the client is gone after the call.
    Gone,
}

/// All clients of one server.
pub(super) struct Swarm<S: Speech> {
    speech: S,
    to: SocketAddr,
    secure: Option<Secure>,
    peers: Reactor<Peer<S::Voice>>,
}

impl<S: Speech> Swarm<S> {
    /// Nobody yet.
    ///
    /// # Errors
    /// [`Error::Failed`] when the kernel has no descriptor left.
    pub(super) fn new(to: SocketAddr, speech: S) -> Result<Self, Error> {
        Self::over(to, speech, None)
    }

    /// Nobody yet; over TLS if there is some.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(super) fn over(to: SocketAddr, speech: S, secure: Option<Secure>) -> Result<Self, Error> {
        Ok(Self { speech, to, secure, peers: Reactor::new()? })
    }

    /// How many clients there ever were: the number of the next one.
    pub(super) const fn ever(&self) -> usize {
        self.peers.ever()
    }

    /// The next client starts to connect.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Failed`] when the kernel has no descriptor or port.
    pub(super) fn dial(&mut self) -> Result<(), Error> {
        self.dial_again(self.peers.ever())
    }

    /// A client that is gone connects again.
    ///
    /// # Errors
    /// As [`dial`](Self::dial).
    pub(super) fn dial_again(&mut self, id: usize) -> Result<(), Error> {
        let tls = self.secure.as_ref().map(Secure::connection).transpose()?;
        let peer = Peer::dial(id, self.to, tls).map_err(|error| unreachable(self.to, &error))?;
        self.peers.watch(id, peer)
    }

    /// Lets `count` more clients log in, `at_once` of them between their connect and that at most, and returns when all
    /// are. What the server said of itself to the last one.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when a connect fails, [`Error::Failed`] when a client is closed, or the time is over.
    pub(super) fn rise(
        &mut self,
        count: usize,
        at_once: usize,
        deadline: &Deadline,
        progress: &Progress,
    ) -> Result<Ready, Error> {
        let (until, mut ready, mut said) = (self.ever() + count, self.ever(), Ready::default());
        while ready < until {
            while self.ever() < until && self.ever() - ready < at_once {
                self.dial()?;
            }
            let now = self.turn(Duration::from_millis(50), |id, happening, _, _| match happening {
                Happening::Heard(Heard::Ready(what)) => {
                    (ready, said) = (ready + 1, what);
                    Ok(())
                }
                happening => still_there(id, happening),
            })?;
            deadline.check(now, "clients log in")?;
            progress.at(ready as u64);
        }
        Ok(said)
    }

    /// A client says something, from outside of a turn.
    ///
    /// # Errors
    /// An error of the kernel that is no close.
    pub(super) fn say(&mut self, id: usize, write: impl FnOnce(&S, &mut Vec<u8>)) -> Result<(), Error> {
        let speech = &self.speech;
        self.peers.act(id, |peer| {
            write(speech, &mut peer.out);
            peer.flush()
        })
    }

    /// Waits for events for up to `wait`, and tells `on` what each client heard, frame by frame, with the moment of the
    /// read; what `on` appends to the last argument, the client says.
    ///
    /// # Errors
    /// Bytes that the protocol does not have, failed connects, and what `on` returns.
    pub(super) fn turn(
        &mut self,
        wait: Duration,
        mut on: impl FnMut(usize, Happening<'_>, Instant, &mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<Instant, Error> {
        let Self { speech, to, peers, .. } = self;
        peers.turn(wait, |peer, step| {
            let (id, now) = (step.id, step.now);
            if peer.is_connecting() {
                peer.established(id, speech).map_err(|error| unreachable(*to, &error))?;
            } else if step.reads() {
                let at = Instant::now();
                let next = peer.receive(speech, step.buffer, |heard, out| on(id, Happening::Heard(heard), at, out))?;
                if next == Next::Closed {
                    on(id, Happening::Gone, now, &mut Vec::new())?;
                    return Ok(next);
                }
            }
            peer.flush()?;
            Ok(Next::Open)
        })
    }
}

/// What is no fault: anything but an end of the connection or a refusal.
///
/// # Errors
/// [`Error::Failed`] for these.
pub(super) fn still_there(id: usize, happening: Happening<'_>) -> Result<(), Error> {
    match happening {
        Happening::Gone => Err(Error::Failed(format!("the server closed client {id}"))),
        Happening::Heard(Heard::Farewell { reason, .. }) => {
            Err(Error::Failed(format!("the server closed client {id} as {reason}")))
        }
        Happening::Heard(Heard::Refused { code }) => {
            Err(Error::Failed(format!("the server refused a message of client {id}: {code}")))
        }
        Happening::Heard(_) => Ok(()),
    }
}
