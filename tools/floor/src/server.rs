//! The event loop: accept, answer, and close the silent, on one thread.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use rustix::time::{ClockId, clock_gettime};

use crate::conn::{After, Conn};
use crate::options::{BUFFER, Options};
use crate::wheel::Wheel;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;
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
    listener: OwnedFd,
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
        let listener = listen(options.listen)?;
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
        Ok(rustix::net::getsockname(&self.listener)?.try_into()?)
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
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            match rustix::net::accept_with(&self.listener, flags) {
                Ok(socket) => self.admit(socket, now_ns)?,
                Err(Errno::AGAIN) => break,
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    // Level-triggered: still listening would spin until a descriptor is free.
                    self.full = true;
                    return self.watch_listener(EventFlags::empty());
                }
                // The connection died in the queue; the next one may be well.
                Err(_) => {}
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

fn listen(addr: SocketAddr) -> io::Result<OwnedFd> {
    let family = match addr {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let listener = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_reuseaddr(&listener, true)?;
    // Linux hands this on to accepted sockets, which saves a call for each of them.
    sockopt::set_tcp_nodelay(&listener, true)?;
    rustix::net::bind(&listener, &addr)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // The monotonic clock starts at zero when the machine does.
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// The wait until `edge_ns`, in whole milliseconds (all that `epoll_wait` knows), rounded up: a
/// wait that ends before the edge would have to be made again.
fn until(edge_ns: u64) -> Timespec {
    let ms = edge_ns.saturating_sub(now_ns()).div_ceil(1_000_000);
    Timespec {
        tv_sec: (ms / 1000).cast_signed(),
        tv_nsec: (ms % 1000 * 1_000_000).cast_signed(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    #[test]
    fn accepted_sockets_inherit_no_delay() {
        let listener = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let addr: SocketAddr = rustix::net::getsockname(&listener)
            .unwrap()
            .try_into()
            .unwrap();
        let _client = TcpStream::connect(addr).unwrap();
        let accepted = rustix::net::accept(&listener).unwrap();
        assert!(sockopt::tcp_nodelay(&accepted).unwrap());
    }

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

    #[test]
    fn a_wait_is_rounded_up_to_milliseconds() {
        assert_eq!((until(0).tv_sec, until(0).tv_nsec), (0, 0));
        let wait = until(now_ns() + 2_500_000_000);
        assert_eq!(wait.tv_sec, 2);
        assert_eq!(wait.tv_nsec % 1_000_000, 0);
    }
}
