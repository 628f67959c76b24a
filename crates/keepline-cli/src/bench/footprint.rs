//! What silent lines cost in memory: the slope between two numbers of them.

use std::time::{Duration, Instant};

use super::{
    Error,
    contest::Contest,
    contestant::Contestant,
    figure::{Figure, Fold, Measure, Round},
    frame::Exchange,
    load::{Happening, Load},
    open::{GENTLY, open},
    proc::{kernel, memory},
    progress::Progress,
    stats::{float, slope},
};

static RSS: Figure = Figure { key: "user_bytes_per_line", title: "user B/line", digits: 0, fold: Fold::Median };
static SMAPS: Figure = Figure { key: "user_bytes_per_line_smaps", title: "by smaps", digits: 0, fold: Fold::Median };
static BASE: Figure = Figure { key: "user_base_kib", title: "base KiB", digits: 0, fold: Fold::Median };
static KERNEL: Figure =
    Figure { key: "kernel_bytes_per_line_both_ends", title: "kernel B/line, both ends", digits: 0, fold: Fold::Median };
static TCP: Figure = Figure { key: "tcp_pages", title: "TCP pages", digits: 0, fold: Fold::Max };
/// How long the lines are silent before memory is read: allocators and the kernel's counters come to rest.
const REST: Duration = Duration::from_millis(300);

/// Memory at one number of lines.
#[derive(Debug)]
struct Sample {
    user: Result<memory::Sample, String>,
    kernel: Result<kernel::Sample, String>,
}

/// Starts the contestant's server, opens `low` and then `high` lines, and reads its memory at both.
///
/// # Errors
/// As [`open`]; [`Error::Failed`] also when a line is closed before memory is read.
pub(super) fn footprint(
    contest: &Contest,
    contestant: &Contestant,
    (low, high): (usize, usize),
) -> Result<Round, Error> {
    let server = contest.start(contestant, contest.reader_idle)?;
    let progress = Progress::new(&format!("{}: idle lines", server.label), high as u64);
    let exchange = Exchange::heartbeat();
    let mut load = Load::new(server.addr)?;
    let mut sample = |count| {
        open(&mut load, &exchange, count, GENTLY, &contest.deadline, &progress)?;
        rest(&mut load, &exchange)?;
        Ok(Sample::read(server.pid))
    };
    let at_low = sample(low)?;
    let at_high = sample(high - low)?;
    Ok(figures((low as u64, &at_low), (high as u64, &at_high)))
}

impl Sample {
    fn read(pid: Option<u32>) -> Self {
        let user = match pid {
            Some(pid) => memory::Sample::read(pid)
                .map_err(|error| format!("no user memory: the server's process can't be read: {error}")),
            None => Err("no user memory: name the server's process with --pid".into()),
        };
        let kernel =
            kernel::Sample::read().map_err(|error| format!("no kernel memory: /proc/slabinfo needs root: {error}"));
        Self { user, kernel }
    }
}

/// Lets time pass; no line may be closed meanwhile.
fn rest(load: &mut Load, exchange: &Exchange) -> Result<(), Error> {
    let until = Instant::now() + REST;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        load.turn(exchange, left, |line, happening, _| match happening {
            Happening::Closed => Err(Error::Failed(format!(
                "the server closed line {} before memory could be read: raise --reader-idle",
                line.id
            ))),
            Happening::Up | Happening::Answers(_) => Ok(()),
        })?;
    }
}

fn figures(low: (u64, &Sample), high: (u64, &Sample)) -> Round {
    let mut round = Round::default();
    let per_line = |figure: &'static Figure, at_low, at_high| -> Option<Measure> {
        slope((low.0, at_low), (high.0, at_high)).map(|bytes| figure.of(bytes))
    };
    match (&low.1.user, &high.1.user) {
        (Ok(at_low), Ok(at_high)) => {
            let user = slope((low.0, at_low.rss_anon), (high.0, at_high.rss_anon));
            round.measures.extend(user.map(|bytes| RSS.of(bytes)));
            if let (Some(at_low), Some(at_high)) = (at_low.smaps, at_high.smaps) {
                round.measures.extend(per_line(&SMAPS, at_low, at_high));
            }
            let base = user.map(|bytes| (float(at_low.rss_anon) - bytes * float(low.0)) / 1024.0);
            round.measures.extend(base.map(|kib| BASE.of(kib)));
        }
        (Err(note), _) | (_, Err(note)) => round.notes.push(note.clone()),
    }
    match (&low.1.kernel, &high.1.kernel) {
        (Ok(at_low), Ok(at_high)) => {
            round.measures.extend(per_line(&KERNEL, at_low.objects, at_high.objects));
            round.measures.push(TCP.of(float(at_high.tcp_pages)));
        }
        (Err(note), _) | (_, Err(note)) => round.notes.push(note.clone()),
    }
    round
}
