//! Opening many lines: a bounded number at once, each proven by one PING and its PONG.

use std::time::{Duration, Instant};

use super::{
    Deadline, Error,
    frame::Exchange,
    load::{Happening, Load},
    progress::Progress,
    stats::Latencies,
};

/// How many lines may be between their connect and their PONG where the opening is not what is measured: any
/// server's backlog holds them.
pub(crate) const GENTLY: usize = 1024;

/// What opening took.
#[derive(Debug)]
pub(crate) struct Opened {
    /// From the first connect to the last PONG.
    pub(crate) took: Duration,
    /// From each line's connect to its PONG.
    pub(crate) latencies: Latencies,
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
    let first = load.lines_ever();
    let begin = Instant::now();
    let mut connected_at = Vec::with_capacity(count);
    let mut latencies = Latencies::new();
    let mut done = 0;
    let mut last = begin;
    while done < count {
        while connected_at.len() < count && connected_at.len() - done < at_once {
            connected_at.push(Instant::now());
            load.connect()?;
        }
        let now = load.turn(exchange, Duration::from_millis(50), |line, happening, at| {
            match happening {
                Happening::Up => line.send(exchange, 1)?,
                Happening::Answers(_) => {
                    if let Some(connected) = line.id.checked_sub(first).and_then(|index| connected_at.get(index)) {
                        latencies.record(at - *connected);
                        done += 1;
                        last = at;
                    }
                }
                Happening::Closed => return Err(closed(line.id, done)),
            }
            Ok(())
        })?;
        deadline.check(now, "opening lines")?;
        progress.at(done as u64);
    }
    Ok(Opened { took: last - begin, latencies, connected_at })
}

fn closed(id: usize, done: usize) -> Error {
    Error::Failed(format!(
        "the server closed line {id} while lines were opened ({done} had their PONG): it may have a limit on \
         connections, or its reader-idle limit is shorter than the opening; ask for fewer --connections or raise \
         --reader-idle"
    ))
}
