//! Opening many lines: a bounded number at once, each proven by one PING and its PONG.

use std::time::{Duration, Instant};

use super::{
    Deadline, Error,
    arrivals::Arrivals,
    frame::Exchange,
    load::{Happening, Load},
    progress::Progress,
};

/// How many lines may be between their connect and their PONG where the opening is not what is measured: any
/// server's backlog holds them.
pub(crate) const GENTLY: usize = 1024;

/// What opening took.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The PONGs, from the first connect on.
    pub(super) arrivals: Arrivals,
    /// By line: when its connect began. All that the server heard of it came later.
    pub(crate) connected_at: Vec<Instant>,
}

/// Opens `count` more lines, `at_once` of them between their connect and their PONG at most, and returns when each has its PONG.
///
/// # Errors
/// [`Error::Unreachable`] when a connect fails, [`Error::Failed`] when a line is closed instead of answered, or the
/// time is over.
pub(crate) fn open(
    load: &mut Load,
    exchange: &Exchange,
    count: usize,
    at_once: usize,
    deadline: &Deadline,
    progress: &Progress,
) -> Result<Opened, Error> {
    let mut arrivals = Arrivals::since(Instant::now());
    let mut connected_at = Vec::with_capacity(count);
    while arrivals.count() < count {
        while connected_at.len() < count && connected_at.len() - arrivals.count() < at_once {
            connected_at.push(Instant::now());
            load.connect()?;
        }
        let now = load.turn(exchange, Duration::from_millis(50), |line, happening, at| {
            match happening {
                Happening::Up => line.send(exchange, 1)?,
                Happening::Answers(_) => arrivals.enter(at),
                Happening::Closed => return Err(closed(line.id, arrivals.count())),
            }
            Ok(())
        })?;
        deadline.check(now, "opening lines")?;
        progress.at(arrivals.count() as u64);
    }
    Ok(Opened { arrivals, connected_at })
}

fn closed(id: usize, done: usize) -> Error {
    Error::Failed(format!(
        "the server closed line {id} while lines were opened ({done} had their PONG): it may have a limit on \
         connections, or its reader-idle limit is shorter than the opening; ask for fewer --connections or raise \
         --reader-idle"
    ))
}
