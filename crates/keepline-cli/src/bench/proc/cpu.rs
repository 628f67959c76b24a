//! The processor time of a process: to the nanosecond by thread, and split into user and system by tick.

use std::{collections::HashMap, fs, io, time::Duration};

use rustix::{io::Errno, param::clock_ticks_per_second};

use super::unknown;

/// Processor time used up to one moment.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Nanoseconds by thread id: a thread that ends takes its count along, so counts are compared thread by thread.
    threads: HashMap<u32, u64>,
    user: Duration,
    system: Duration,
}

/// Processor time used between two moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// All threads, exact (`schedstat`).
    pub(crate) total: Duration,
    /// In user space, in ticks of 10 ms (`stat`): meaningful over a second or more.
    pub(crate) user: Duration,
    /// In the kernel, in ticks of 10 ms.
    pub(crate) system: Duration,
}

impl Sample {
    /// Reads the times of `pid`.
    ///
    /// # Errors
    /// The process is gone, or the kernel keeps no `schedstat`.
    pub(crate) fn read(pid: u32) -> io::Result<Self> {
        let path = format!("/proc/{pid}/stat");
        let (user, system) = parse_stat(&fs::read_to_string(&path)?).ok_or_else(|| unknown(&path))?;
        let mut threads = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
            let Some(tid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let path = format!("/proc/{pid}/task/{tid}/schedstat");
            match fs::read_to_string(&path) {
                Ok(text) => threads.insert(tid, parse_schedstat(&text).ok_or_else(|| unknown(&path))?),
                Err(error) if has_ended(&error) => continue,
                Err(error) => return Err(error),
            };
        }
        let tick = |ticks: u64| Duration::from_nanos(ticks * 1_000_000_000 / clock_ticks_per_second().max(1));
        Ok(Self { threads, user: tick(user), system: tick(system) })
    }

    /// What was used since `earlier`.
    pub(crate) fn since(&self, earlier: &Self) -> Used {
        let grown =
            |(tid, now): (&u32, &u64)| now.saturating_sub(earlier.threads.get(tid).copied().unwrap_or_default());
        Used {
            total: Duration::from_nanos(self.threads.iter().map(grown).sum()),
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

/// A process whose time is being taken, or why it can't be.
#[derive(Debug)]
pub(crate) struct Meter(Result<(u32, Sample), String>);

impl Meter {
    /// Begins to take the time.
    pub(crate) fn start(pid: Option<u32>) -> Self {
        let Some(pid) = pid else {
            return Self(Err("no CPU figures: name the server's process with --pid".into()));
        };
        Self(Sample::read(pid).map(|sample| (pid, sample)).map_err(|error| unreadable(&error)))
    }

    /// What was used since the start.
    ///
    /// # Errors
    /// A sentence that says why it is not known.
    pub(crate) fn stop(self) -> Result<Used, String> {
        let (pid, before) = self.0?;
        Ok(Sample::read(pid).map_err(|error| unreadable(&error))?.since(&before))
    }
}

fn unreadable(error: &io::Error) -> String {
    format!("no CPU figures: the server's process can't be read: {error}")
}

/// Whether a thread has ended: before its file was opened, or between the opening and the reading.
fn has_ended(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::SRCH.raw_os_error())
}

/// The nanoseconds on a processor: the first of three numbers.
fn parse_schedstat(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.parse().ok()
}

/// Ticks in user and system mode: fields 14 and 15, counted behind the name, which may hold spaces and brackets.
fn parse_stat(text: &str) -> Option<(u64, u64)> {
    let behind = &text[text.rfind(')')? + 1..];
    let mut fields = behind.split_ascii_whitespace().skip(11);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4242 (a (very) odd name) S 1 4242 4242 0 -1 4194560 2120 0 3 0 \
                        157 421 0 0 20 0 4 0 9137 12132352 890 18446744073709551615";

    #[test]
    fn the_name_may_hold_brackets() {
        assert_eq!(parse_stat(STAT), Some((157, 421)));
        assert_eq!(parse_stat("4242 (cut off) S 1 2"), None);
        assert_eq!(parse_stat(""), None);
    }

    #[test]
    fn the_run_time_is_the_first_number() {
        assert_eq!(parse_schedstat("123456789 42 7\n"), Some(123_456_789));
        assert_eq!(parse_schedstat("\n"), None);
    }

    #[test]
    fn threads_that_come_and_go_do_not_make_the_sum_wrong() {
        let sample = |threads: &[(u32, u64)]| Sample {
            threads: threads.iter().copied().collect(),
            user: Duration::ZERO,
            system: Duration::ZERO,
        };
        let used = sample(&[(1, 150), (3, 20)]).since(&sample(&[(1, 100), (2, 1000)]));
        assert_eq!(used.total, Duration::from_nanos(70), "thread 2 has ended, thread 3 is new");
    }

    #[test]
    fn a_thread_that_ended_is_no_error() {
        for (errno, ended) in [(Errno::NOENT, true), (Errno::SRCH, true), (Errno::ACCESS, false)] {
            assert_eq!(has_ended(&errno.into()), ended, "{errno:?}");
        }
    }

    #[test]
    fn our_own_time_grows_with_work() {
        let before = Sample::read(std::process::id()).unwrap();
        let started = std::time::Instant::now();
        let mut sum = 0_u64;
        // Judged at one sample: between two, a thread of another test may end and take its time out of the sum.
        while Sample::read(std::process::id()).unwrap().since(&before).total < Duration::from_millis(2) {
            sum = std::hint::black_box(sum.wrapping_mul(31) + 1);
            assert!(started.elapsed() < Duration::from_secs(30), "half a minute of work is not seen");
        }
    }
}
