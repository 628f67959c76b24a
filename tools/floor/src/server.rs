//! The event loop: accept, answer, and close the silent, on one thread.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use crate::clock::{now_ns, until};
use crate::conn::{After, Conn};
use crate::listener::{Accepted, Listener};
use crate::options::{BUFFER, Options};
use crate::wheel::Wheel;

/// Connections accepted before the others get their turn again.
const ACCEPT_BURST: usize = 64;
/// Events taken from the kernel at once.
const EVENTS: usize = 512;
/// Marks the listener among events that otherwise carry a descriptor.
const LISTENER: u64 = u64::MAX;

/// Slab entry, indexed by descriptor. Two fit a cache line, and none lies across two.
#[derive(Debug, Default)]
#[repr(align(32))]
struct Slot {
    conn: Option<Conn>,
    /// The wheel holds this index. It outlives the connection, so that a descriptor that is used
    /// again is not filed twice: a storm of reconnects must not fill the wheel.
    filed: bool,
}

const _: () = assert!(size_of::<Slot>() == 32);

/// A listening server and its connections.
#[derive(Debug)]
pub(crate) struct Server {
    epoll: OwnedFd,
    listener: Listener,
    /// Descriptors ran out; nothing is accepted until one is free again.
    full: bool,
    slots: Vec<Slot>,
    wheel: Wheel,
    /// Silence allowed, in nanoseconds.
    idle_ns: Option<u64>,
    max_frame: usize,
    buffer: Box<[u8]>,
}

impl Server {
    /// Binds and listens.
    ///
    /// # Errors
    /// Whatever the kernel says to `socket`, `bind`, `listen` or `epoll_create1`.
    pub(crate) fn bind(options: &Options) -> io::Result<Self> {
        let idle_ns = options
            .reader_idle
            .map(|idle| u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX));
        let listener = Listener::bind(options.listen)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &listener,
            EventData::new_u64(LISTENER),
            EventFlags::IN,
        )?;
        Ok(Self {
            epoll,
            listener,
            full: false,
            slots: Vec::new(),
            wheel: Wheel::new(idle_ns.unwrap_or(0)),
            idle_ns,
            max_frame: options.max_frame,
            buffer: vec![0; BUFFER].into_boxed_slice(),
        })
    }

    /// The address it listens on, with the real port.
    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `epoll` itself fails.
    pub(crate) fn run(&mut self) -> io::Result<Infallible> {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            self.step(&mut events)?;
        }
    }

    /// Waits for events or for the next slot of the wheel, and does what they ask for.
    fn step(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        events.clear();
        let timeout = self.wheel.next_edge_ns().map(until);
        match epoll::wait(&self.epoll, spare_capacity(events), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // After the wait: an older stamp would make a connection look silent too soon.
        let now_ns = now_ns();
        self.dispatch(events, now_ns)?;
        // Last, so that a descriptor closed here cannot have an event left in this batch.
        self.close_silent(now_ns)
    }

    fn dispatch(&mut self, events: &[Event], now_ns: u64) -> io::Result<()> {
        for event in events {
            match event.data.u64() {
                LISTENER => self.accept(now_ns)?,
                index => self.turn(index as usize, now_ns)?,
            }
        }
        Ok(())
    }

    fn accept(&mut self, now_ns: u64) -> io::Result<()> {
        for _ in 0..ACCEPT_BURST {
            match self.listener.accept() {
                Accepted::Socket(socket) => self.admit(socket, now_ns)?,
                Accepted::Dead => {}
                Accepted::Nobody => break,
                Accepted::NoRoom => {
                    // Level-triggered: still watching it would spin until there is room.
                    self.full = true;
                    return self.watch_listener(EventFlags::empty());
                }
            }
        }
        Ok(())
    }

    fn admit(&mut self, socket: OwnedFd, now_ns: u64) -> io::Result<()> {
        let key = socket.as_raw_fd().cast_unsigned();
        epoll::add(
            &self.epoll,
            &socket,
            EventData::new_u64(key.into()),
            EventFlags::IN,
        )?;
        let index = key as usize;
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, Slot::default);
        }
        let slot = &mut self.slots[index];
        slot.conn = Some(Conn::new(socket, now_ns));
        if let Some(idle_ns) = self.idle_ns
            && !slot.filed
        {
            slot.filed = true;
            self.wheel.file(key, now_ns + idle_ns);
        }
        Ok(())
    }

    fn turn(&mut self, index: usize, now_ns: u64) -> io::Result<()> {
        let Some(conn) = self
            .slots
            .get_mut(index)
            .and_then(|slot| slot.conn.as_mut())
        else {
            return Ok(());
        };
        let waited_for_room = conn.has_unsent();
        let after = conn.turn(&mut self.buffer, self.max_frame, now_ns);
        let interest = match after {
            After::Close => return self.close(index),
            After::Read => EventFlags::IN,
            After::Write => EventFlags::OUT,
        };
        if waited_for_room != (after == After::Write) {
            epoll::modify(
                &self.epoll,
                conn.as_fd(),
                EventData::new_u64(index as u64),
                interest,
            )?;
        }
        Ok(())
    }

    fn close(&mut self, index: usize) -> io::Result<()> {
        self.slots[index].conn = None;
        if self.full {
            self.full = false;
            self.watch_listener(EventFlags::IN)?;
        }
        Ok(())
    }

    fn close_silent(&mut self, now_ns: u64) -> io::Result<()> {
        let Some(idle_ns) = self.idle_ns else {
            return Ok(());
        };
        while let Some(keys) = self.wheel.take_due(now_ns) {
            for key in keys {
                self.check(key, idle_ns, now_ns)?;
            }
        }
        Ok(())
    }

    /// Files `key` again if its connection was heard of since, closes it if not.
    fn check(&mut self, key: u32, idle_ns: u64, now_ns: u64) -> io::Result<()> {
        let index = key as usize;
        if self
            .deadline_ns(index, idle_ns)
            .is_some_and(|deadline| deadline <= now_ns)
        {
            // One last look: its bytes may have come after the wait, or be waiting for a later
            // batch of events because we were stopped or too slow.
            self.turn(index, now_ns)?;
        }
        match self.deadline_ns(index, idle_ns) {
            Some(deadline) if deadline > now_ns => self.wheel.file(key, deadline),
            Some(_) => {
                self.slots[index].filed = false;
                self.close(index)?;
            }
            None => self.slots[index].filed = false,
        }
        Ok(())
    }

    fn deadline_ns(&self, index: usize, idle_ns: u64) -> Option<u64> {
        let conn = self.slots[index].conn.as_ref()?;
        Some(conn.heard_ns() + idle_ns)
    }

    fn watch_listener(&self, interest: EventFlags) -> io::Result<()> {
        epoll::modify(
            &self.epoll,
            &self.listener,
            EventData::new_u64(LISTENER),
            interest,
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_storm_of_reconnects_does_not_fill_the_wheel() {
        let mut server = Server::bind(&Options::default()).unwrap();
        let addr = server.local_addr().unwrap();
        let mut events = Vec::with_capacity(EVENTS);
        let open = |server: &Server| {
            server
                .slots
                .iter()
                .filter(|slot| slot.conn.is_some())
                .count()
        };
        for _ in 0..100 {
            let client = TcpStream::connect(addr).unwrap();
            while open(&server) == 0 {
                server.step(&mut events).unwrap();
            }
            drop(client);
            while open(&server) > 0 {
                server.step(&mut events).unwrap();
            }
        }
        let mut filed = 0;
        while let Some(keys) = server.wheel.take_due(u64::MAX) {
            filed += keys.len();
        }
        assert!(
            filed <= server.slots.len(),
            "{filed} of {}",
            server.slots.len()
        );
    }
}
