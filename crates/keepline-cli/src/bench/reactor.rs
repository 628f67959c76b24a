//! Reactor: many connections on one thread and one epoll descriptor, whatever is spoken over them.

use std::{
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
use socket2::Socket;

use super::Error;

const BUFFER: usize = 64 * 1024;
const EVENTS: usize = 512;

/// A connection of the load, as the kernel is asked about it.
pub(super) trait Connection {
    fn socket(&self) -> &Socket;

    /// Whether it does not stand yet: a socket that can be written to is its end, well or not.
    fn is_connecting(&self) -> bool;

    /// Whether there is something to write that the socket did not take.
    fn is_blocked(&self) -> bool;
}

/// What becomes of a connection behind a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Open,
    /// It is dropped.
    Closed,
}

/// One step of a connection: what the kernel said of it, where reads may go, and when the wait ended.
pub(super) struct Step<'a> {
    pub(super) id: usize,
    pub(super) flags: EventFlags,
    pub(super) buffer: &'a mut [u8],
    pub(super) now: Instant,
}

impl Step<'_> {
    /// Whether a read brings something: bytes, the end, or an error.
    pub(super) const fn reads(&self) -> bool {
        self.flags.intersects(EventFlags::IN.union(EventFlags::HUP).union(EventFlags::ERR))
    }

    /// Whether the socket takes bytes again.
    pub(super) const fn writes(&self) -> bool {
        self.flags.contains(EventFlags::OUT)
    }
}

/// All connections, by their numbers.
pub(super) struct Reactor<C> {
    epoll: OwnedFd,
    slots: Vec<Option<C>>,
    events: Vec<Event>,
    buffer: Box<[u8]>,
}

impl<C: Connection> Reactor<C> {
    /// None yet.
    ///
    /// # Errors
    /// [`Error::Failed`] when the kernel has no descriptor left.
    pub(super) fn new() -> Result<Self, Error> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)
            .map_err(|error| Error::io("no epoll descriptor for the load", error))?;
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Ok(Self { epoll, slots: Vec::new(), events: Vec::with_capacity(EVENTS), buffer })
    }

    /// How many there ever were: the number of the next one.
    pub(super) const fn ever(&self) -> usize {
        self.slots.len()
    }

    /// Watches one that connects, under the next number or in the place of one that is gone.
    ///
    /// # Errors
    /// [`Error::Failed`] when the kernel does not take it.
    pub(super) fn watch(&mut self, id: usize, connection: C) -> Result<(), Error> {
        epoll::add(&self.epoll, connection.socket(), EventData::new_u64(id as u64), interest(&connection))
            .map_err(|error| Error::io("the load could not watch a connection", error))?;
        if id >= self.slots.len() {
            self.slots.resize_with(id + 1, || None);
        }
        self.slots[id] = Some(connection);
        Ok(())
    }

    /// The one of this number, to look at or to tell; what it writes is [`act`](Self::act)'s.
    pub(super) fn get(&mut self, id: usize) -> Option<&mut C> {
        self.slots.get_mut(id)?.as_mut()
    }

    /// All that were not closed.
    pub(super) fn iter(&mut self) -> impl Iterator<Item = &mut C> {
        self.slots.iter_mut().flatten()
    }

    /// Has one do something, from outside of a turn; nothing if it is gone.
    ///
    /// # Errors
    /// What it returns.
    pub(super) fn act(&mut self, id: usize, deed: impl FnOnce(&mut C) -> Result<(), Error>) -> Result<(), Error> {
        let Some(Some(connection)) = self.slots.get_mut(id) else { return Ok(()) };
        let before = interest(connection);
        deed(connection)?;
        tell(&self.epoll, id, connection, before)
    }

    /// Waits for events for up to `wait`, and takes each connection that has one a step further. When the wait ended.
    ///
    /// # Errors
    /// What a step returns.
    pub(super) fn turn(
        &mut self,
        wait: Duration,
        mut step: impl FnMut(&mut C, Step<'_>) -> Result<Next, Error>,
    ) -> Result<Instant, Error> {
        let timeout = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        self.events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Error::io("waiting for the load's connections failed", error)),
        }
        let now = Instant::now();
        let Self { epoll, slots, events, buffer } = self;
        for event in events.iter() {
            let (id, flags) = (usize::try_from(event.data.u64()).unwrap_or(usize::MAX), event.flags);
            let Some(slot) = slots.get_mut(id) else { continue };
            let Some(connection) = slot.as_mut() else { continue };
            let before = interest(connection);
            match step(connection, Step { id, flags, buffer, now })? {
                Next::Open => tell(epoll, id, connection, before)?,
                Next::Closed => *slot = None,
            }
        }
        Ok(now)
    }
}

fn interest(connection: &impl Connection) -> EventFlags {
    if connection.is_connecting() {
        EventFlags::OUT
    } else if connection.is_blocked() {
        EventFlags::IN.union(EventFlags::OUT)
    } else {
        EventFlags::IN
    }
}

/// Tells the kernel only when the interest is another than `before`: a call for each message would weigh more than it.
fn tell(epoll: &OwnedFd, id: usize, connection: &impl Connection, before: EventFlags) -> Result<(), Error> {
    let after = interest(connection);
    if after == before {
        return Ok(());
    }
    epoll::modify(epoll, connection.socket(), EventData::new_u64(id as u64), after)
        .map_err(|error| Error::io("the load could not watch a connection", error))
}
