//! The load generator: many lines on one thread and one epoll descriptor.

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
    Error,
    frame::Exchange,
    line::{Got, Line},
    socket::unreachable,
};

const BUFFER: usize = 64 * 1024;
const EVENTS: usize = 512;

/// What happened on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// The connection stands.
    Up,
    /// This many more requests are answered in full.
    Answers(u64),
    /// The server closed the connection; the line is gone after the call.
    Closed,
}

/// All lines to one server.
pub(crate) struct Load {
    to: SocketAddr,
    epoll: OwnedFd,
    lines: Vec<Option<Line>>,
    events: Vec<Event>,
    buffer: Box<[u8]>,
}

impl Load {
    /// A load without lines.
    ///
    /// # Errors
    /// [`Error::Failed`] when the kernel has no descriptor left.
    pub(crate) fn new(to: SocketAddr) -> Result<Self, Error> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)
            .map_err(|error| Error::io("no epoll descriptor for the load", error))?;
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Ok(Self { to, epoll, lines: Vec::new(), events: Vec::with_capacity(EVENTS), buffer })
    }

    /// Starts to connect the next line; its number is the count of lines before it.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Failed`] when the kernel has no descriptor or port.
    pub(crate) fn connect(&mut self) -> Result<(), Error> {
        let id = self.lines.len();
        let line = Line::connect(id, self.to).map_err(|error| unreachable(self.to, &error))?;
        epoll::add(&self.epoll, &line.socket, EventData::new_u64(id as u64), EventFlags::OUT)
            .map_err(|error| Error::io("the load could not watch a line", error))?;
        self.lines.push(Some(line));
        Ok(())
    }

    /// How many lines were ever started: the number of the next one.
    pub(crate) const fn lines_ever(&self) -> usize {
        self.lines.len()
    }

    /// The line of this number, unless it was closed.
    pub(crate) fn line(&mut self, id: usize) -> Option<&mut Line> {
        self.lines.get_mut(id)?.as_mut()
    }

    /// All lines that were not closed.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = &mut Line> {
        self.lines.iter_mut().flatten()
    }

    /// Waits for events for up to `wait`, and tells `on` what happened, line by line.
    ///
    /// `on` gets the moment as well: for answers a clock read after the read, for a close the end of the wait. A
    /// close that is seen lay in the kernel by then, so it is never stamped earlier than it was.
    ///
    /// # Errors
    /// Wrong answers, failed connects, and what `on` returns.
    pub(crate) fn turn(
        &mut self,
        exchange: &Exchange,
        wait: Duration,
        mut on: impl FnMut(&mut Line, Happening, Instant) -> Result<(), Error>,
    ) -> Result<Instant, Error> {
        let timeout = Timespec::try_from(wait).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        self.events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(Error::io("waiting for the load's lines failed", error)),
        }
        let now = Instant::now();
        let Self { to, epoll, lines, events, buffer } = self;
        for event in events.iter() {
            let id = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            let Some(slot) = lines.get_mut(id) else {
                continue;
            };
            let Some(line) = slot.as_mut() else { continue };
            let before = interest(line);
            let happened = advance(line, exchange, event.flags, buffer, *to)?;
            if let Some(happened) = happened {
                let at = if happened == Happening::Closed { now } else { Instant::now() };
                on(line, happened, at)?;
            }
            if happened == Some(Happening::Closed) {
                *slot = None;
            } else {
                watch(epoll, line, before)?;
            }
        }
        Ok(now)
    }

    /// Sends on a line from outside of a turn.
    ///
    /// # Errors
    /// As [`Line::send`].
    pub(crate) fn send(&mut self, exchange: &Exchange, id: usize, count: u64) -> Result<(), Error> {
        let Some(Some(line)) = self.lines.get_mut(id) else {
            return Ok(());
        };
        let before = interest(line);
        line.send(exchange, count)?;
        watch(&self.epoll, line, before)
    }
}

/// Takes one line a step further.
fn advance(
    line: &mut Line,
    exchange: &Exchange,
    flags: EventFlags,
    buffer: &mut [u8],
    to: SocketAddr,
) -> Result<Option<Happening>, Error> {
    if line.is_connecting() {
        line.established().map_err(|error| unreachable(to, &error))?;
        return Ok(Some(Happening::Up));
    }
    if flags.contains(EventFlags::OUT) {
        line.flush(exchange)?;
    }
    if !flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
        return Ok(None);
    }
    Ok(match line.receive(exchange, buffer)? {
        Got::Answers(count @ 1..) => Some(Happening::Answers(count)),
        Got::Closed => Some(Happening::Closed),
        Got::Answers(0) | Got::Nothing => None,
    })
}

fn interest(line: &Line) -> EventFlags {
    if line.is_connecting() {
        EventFlags::OUT
    } else if line.is_blocked() {
        EventFlags::IN | EventFlags::OUT
    } else {
        EventFlags::IN
    }
}

/// Tells the kernel only when the interest is another than `before`: a call for each message would weigh more than it.
fn watch(epoll: &OwnedFd, line: &Line, before: EventFlags) -> Result<(), Error> {
    let after = interest(line);
    if after == before {
        return Ok(());
    }
    epoll::modify(epoll, &line.socket, EventData::new_u64(line.id as u64), after)
        .map_err(|error| Error::io("the load could not watch a line", error))
}
