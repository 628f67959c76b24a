//! The load generator: many lines that speak the echo frame.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use super::{
    Error,
    frame::Exchange,
    line::{Got, Line},
    reactor::{Connection as _, Next, Reactor, Step},
    socket::unreachable,
};

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
    lines: Reactor<Line>,
}

impl Load {
    /// A load without lines.
    ///
    /// # Errors
    /// [`Error::Failed`] when the kernel has no descriptor left.
    pub(crate) fn new(to: SocketAddr) -> Result<Self, Error> {
        Ok(Self { to, lines: Reactor::new()? })
    }

    /// Starts to connect the next line; its number is the count of lines before it.
    ///
    /// # Errors
    /// [`Error::Unreachable`], or [`Error::Failed`] when the kernel has no descriptor or port.
    pub(crate) fn connect(&mut self) -> Result<(), Error> {
        let id = self.lines.ever();
        let line = Line::connect(id, self.to).map_err(|error| unreachable(self.to, &error))?;
        self.lines.watch(id, line)
    }

    /// How many lines were ever started: the number of the next one.
    pub(crate) const fn lines_ever(&self) -> usize {
        self.lines.ever()
    }

    /// The line of this number, unless it was closed.
    pub(crate) fn line(&mut self, id: usize) -> Option<&mut Line> {
        self.lines.get(id)
    }

    /// All lines that were not closed.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = &mut Line> {
        self.lines.iter()
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
        let to = self.to;
        self.lines.turn(wait, |line, mut step| {
            let now = step.now;
            let happened = advance(line, exchange, &mut step, to)?;
            if let Some(happened) = happened {
                let at = if happened == Happening::Closed { now } else { Instant::now() };
                on(line, happened, at)?;
            }
            Ok(if happened == Some(Happening::Closed) { Next::Closed } else { Next::Open })
        })
    }

    /// Sends on a line from outside of a turn.
    ///
    /// # Errors
    /// As [`Line::send`].
    pub(crate) fn send(&mut self, exchange: &Exchange, id: usize, count: u64) -> Result<(), Error> {
        self.lines.act(id, |line| line.send(exchange, count))
    }
}

/// Takes one line a step further.
fn advance(
    line: &mut Line,
    exchange: &Exchange,
    step: &mut Step<'_>,
    to: SocketAddr,
) -> Result<Option<Happening>, Error> {
    if line.is_connecting() {
        line.established().map_err(|error| unreachable(to, &error))?;
        return Ok(Some(Happening::Up));
    }
    if step.writes() {
        line.flush(exchange)?;
    }
    if !step.reads() {
        return Ok(None);
    }
    Ok(match line.receive(exchange, step.buffer)? {
        Got::Answers(count @ 1..) => Some(Happening::Answers(count)),
        Got::Closed => Some(Happening::Closed),
        Got::Answers(0) | Got::Nothing => None,
    })
}
