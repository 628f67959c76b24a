//! Many clients on one thread and one epoll descriptor, in any protocol.

use std::{
    net::SocketAddr,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
    io::Errno,
};

use super::{
    super::{Deadline, Error, progress::Progress, socket::unreachable},
    peer::{Peer, Read},
    secure::Secure,
    speech::{Heard, Ready, Speech},
};

const BUFFER: usize = 64 * 1024;
const EVENTS: usize = 512;

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
    epoll: OwnedFd,
    peers: Vec<Option<Peer<S::Voice>>>,
    events: Vec<Event>,
    buffer: Box<[u8]>,
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
        let epoll = epoll::create(CreateFlags::CLOEXEC)
            .map_err(|error| Error::io("no epoll descriptor for the load", error))?;
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Ok(Self { speech, to, secure, epoll, peers: Vec::new(), events: Vec::with_capacity(EVENTS), buffer })
    }

    /// How many clients there ever were: the number of the next one.
    pub(super) const fn ever(&self) -> usize {
        self.peers.len()
    }

    /// The next client starts to connect.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Failed`] when the kernel has no descriptor or port.
    pub(super) fn dial(&mut self) -> Result<(), Error> {
        self.peers.push(None);
        self.dial_again(self.peers.len() - 1)
    }

    /// A client that is gone connects again.
    ///
    /// # Errors
    /// As [`dial`](Self::dial).
    pub(super) fn dial_again(&mut self, id: usize) -> Result<(), Error> {
        let tls = self.secure.as_ref().map(Secure::connection).transpose()?;
        let peer = Peer::dial(id, self.to, tls).map_err(|error| unreachable(self.to, &error))?;
        epoll::add(&self.epoll, &peer.pipe.socket, EventData::new_u64(id as u64), EventFlags::OUT)
            .map_err(|error| Error::io("the load could not watch a connection", error))?;
        if let Some(slot) = self.peers.get_mut(id) {
            *slot = Some(peer);
        }
        Ok(())
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
        let Some(Some(peer)) = self.peers.get_mut(id) else { return Ok(()) };
        let before = interest(peer);
        write(&self.speech, &mut peer.out);
        peer.flush()?;
        watch(&self.epoll, id, peer, before)
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
        let timeout = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        self.events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Error::io("waiting for the load's connections failed", error)),
        }
        let now = Instant::now();
        let Self { speech, to, epoll, peers, events, buffer, .. } = self;
        for event in events.iter() {
            let (id, flags) = (usize::try_from(event.data.u64()).unwrap_or(usize::MAX), event.flags);
            let Some(slot) = peers.get_mut(id) else { continue };
            let Some(peer) = slot.as_mut() else { continue };
            let before = interest(peer);
            let mut read = Read::Open;
            if peer.is_connecting() {
                peer.established(id, speech).map_err(|error| unreachable(*to, &error))?;
            } else if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
                let at = Instant::now();
                read = peer.receive(speech, buffer, |heard, out| on(id, Happening::Heard(heard), at, out))?;
            }
            if read == Read::Closed {
                on(id, Happening::Gone, now, &mut Vec::new())?;
                *slot = None;
                continue;
            }
            peer.flush()?;
            watch(epoll, id, peer, before)?;
        }
        Ok(now)
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

fn interest<V>(peer: &Peer<V>) -> EventFlags {
    if peer.is_connecting() {
        EventFlags::OUT
    } else if peer.is_blocked() {
        EventFlags::IN.union(EventFlags::OUT)
    } else {
        EventFlags::IN
    }
}

/// Tells the kernel only when the interest is another than `before`: a call for each message would weigh more than it.
fn watch<V>(epoll: &OwnedFd, id: usize, peer: &Peer<V>, before: EventFlags) -> Result<(), Error> {
    let after = interest(peer);
    if after == before {
        return Ok(());
    }
    epoll::modify(epoll, &peer.pipe.socket, EventData::new_u64(id as u64), after)
        .map_err(|error| Error::io("the load could not watch a connection", error))
}
