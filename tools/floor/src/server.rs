//! The event loop: accept, answer, and close the silent, on one thread.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use crate::clock::{now_ns, wait_until};
use crate::conn::{After, Conn};
use crate::listener::{Accepted, Listener};
use crate::options::{BUFFER, Options};
use crate::slab::Slab;
use crate::wheel::Wheel;

/// Connections accepted before the others get their turn again.
const ACCEPT_BURST: usize = 64;
/// Events taken from the kernel at once.
const EVENTS: usize = 512;
/// Marks the listener among events that otherwise carry a descriptor.
const LISTENER: u64 = u64::MAX;

/// A listening server and its connections.
#[derive(Debug)]
pub(crate) struct Server {
    /// The clock as it was after the last batch of events.
    now_ns: u64,
    epoll: OwnedFd,
    listener: Listener,
    /// Descriptors ran out; nothing is accepted until one is free again.
    full: bool,
    conns: Slab,
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
        let idle_ns = options.reader_idle.map(|idle| u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX));
        let listener = Listener::bind(options.listen)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self {
            now_ns: now_ns(),
            epoll,
            listener,
            full: false,
            conns: Slab::default(),
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

    fn step(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        self.wait(events)?;
        self.handle(events)
    }

    fn handle(&mut self, events: &[Event]) -> io::Result<()> {
        self.dispatch(events)?;
        self.stamp(events);
        // Last, so that a descriptor closed here cannot have an event left in this batch.
        self.close_silent()
    }

    /// Waits for events, or for the next slot of the wheel.
    fn wait(&self, events: &mut Vec<Event>) -> io::Result<()> {
        events.clear();
        let edge_ns = self.wheel.next_edge_ns();
        let timeout = edge_ns.map(|edge_ns| wait_until(edge_ns, self.now_ns));
        match epoll::wait(&self.epoll, spare_capacity(events), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn dispatch(&mut self, events: &[Event]) -> io::Result<()> {
        for event in events {
            match event.data.u64() {
                LISTENER => self.accept()?,
                index => {
                    self.turn(index as usize)?;
                }
            }
        }
        Ok(())
    }

    /// Reads the clock once for all that were heard, and only now: bytes may have come while others
    /// had their turn, and a stamp older than the bytes would close their connection too soon.
    fn stamp(&mut self, events: &[Event]) {
        self.now_ns = now_ns();
        for event in events {
            if let Some(conn) = self.conns.get(event.data.u64() as usize) {
                conn.hear(self.now_ns);
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        for _ in 0..ACCEPT_BURST {
            match self.listener.accept() {
                Accepted::Socket(socket) => self.admit(socket)?,
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

    fn admit(&mut self, socket: OwnedFd) -> io::Result<()> {
        let key = socket.as_raw_fd().cast_unsigned();
        epoll::add(&self.epoll, &socket, EventData::new_u64(key.into()), EventFlags::IN)?;
        let now_ns = now_ns();
        self.conns.insert(key as usize, Conn::new(socket, now_ns));
        if let Some(idle_ns) = self.idle_ns
            && !*self.conns.filed(key as usize)
        {
            self.file(key, now_ns + idle_ns);
        }
        Ok(())
    }

    fn file(&mut self, key: u32, deadline_ns: u64) {
        *self.conns.filed(key as usize) = true;
        self.wheel.file(key, deadline_ns);
    }

    /// Moves the bytes of one connection, and waits for what it needs next.
    fn turn(&mut self, index: usize) -> io::Result<After> {
        let Some(conn) = self.conns.get(index) else {
            return Ok(After::Nothing);
        };
        let waited_for_room = conn.has_unsent();
        let after = conn.turn(&mut self.buffer, self.max_frame);
        let interest = match after {
            After::Nothing => return Ok(after),
            After::Read => EventFlags::IN,
            After::Write => EventFlags::OUT,
            After::Close => {
                self.close(index)?;
                return Ok(after);
            }
        };
        if waited_for_room != (after == After::Write) {
            let data = EventData::new_u64(index as u64);
            epoll::modify(&self.epoll, conn.as_fd(), data, interest)?;
        }
        Ok(after)
    }

    fn close(&mut self, index: usize) -> io::Result<()> {
        self.conns.remove(index);
        if self.full {
            self.full = false;
            self.watch_listener(EventFlags::IN)?;
        }
        Ok(())
    }

    fn close_silent(&mut self) -> io::Result<()> {
        let Some(idle_ns) = self.idle_ns else {
            return Ok(());
        };
        while let Some(keys) = self.wheel.take_due(self.now_ns) {
            for key in keys {
                self.check(key, idle_ns)?;
            }
        }
        Ok(())
    }

    /// Files `key` again if its connection was heard of since, closes it if not.
    fn check(&mut self, key: u32, idle_ns: u64) -> io::Result<()> {
        *self.conns.filed(key as usize) = false;
        let Some(conn) = self.conns.get(key as usize) else {
            return Ok(());
        };
        let deadline_ns = conn.heard_ns() + idle_ns;
        if deadline_ns > self.now_ns {
            self.file(key, deadline_ns);
            return Ok(());
        }
        // One last look: its bytes may have come after the wait, or be waiting for a later batch of
        // events because we were stopped or too slow.
        match self.turn(key as usize)? {
            After::Nothing => self.close(key as usize),
            After::Close => Ok(()),
            After::Read | After::Write => {
                if let Some(conn) = self.conns.get(key as usize) {
                    conn.hear(now_ns());
                }
                self.check(key, idle_ns)
            }
        }
    }

    fn watch_listener(&self, interest: EventFlags) -> io::Result<()> {
        epoll::modify(&self.epoll, &self.listener, EventData::new_u64(LISTENER), interest)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_storm_of_reconnects_does_not_fill_the_wheel() {
        let mut server = Server::bind(&Options::default()).unwrap();
        let addr = server.local_addr().unwrap();
        let mut events = Vec::with_capacity(EVENTS);
        for _ in 0..100 {
            let client = TcpStream::connect(addr).unwrap();
            while server.conns.count() == 0 {
                server.step(&mut events).unwrap();
            }
            drop(client);
            while server.conns.count() > 0 {
                server.step(&mut events).unwrap();
            }
        }
        let mut filed = 0;
        while let Some(keys) = server.wheel.take_due(u64::MAX) {
            filed += keys.len();
        }
        // The same descriptor again and again, or a few: other tests of this process take some too.
        assert!(filed < 10, "{filed} entries for 1 connection at a time");
    }

    #[test]
    fn a_stamp_is_not_older_than_the_bytes_it_stands_for() {
        let mut server = Server::bind(&Options::default()).unwrap();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let mut events = Vec::with_capacity(EVENTS);
        server.step(&mut events).unwrap();
        client.write_all(&[0]).unwrap();
        server.wait(&mut events).unwrap();
        let before_ns = now_ns();
        client.write_all(&[0]).unwrap();
        server.handle(&events).unwrap();
        let heard_ns = (0..1024).find_map(|index| Some(server.conns.get(index)?.heard_ns()));
        assert!(heard_ns.unwrap() >= before_ns);
    }
}
