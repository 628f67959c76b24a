//! A server process for the time of a benchmark.

use std::{net::SocketAddr, thread, time::Duration};

use super::{
    Deadline, Error, Pin,
    contestant::{Contestant, Origin},
    proc,
    process::Process,
    target,
};

/// The first line that a server prints, before its address.
const FIRST_WORDS: &str = "listening on ";

/// A server that takes connections. A process that we started ends with it.
#[derive(Debug)]
pub(crate) struct Server {
    /// The contestant's name.
    pub(crate) label: String,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    /// Its process, if we may look into it.
    pub(crate) pid: Option<u32>,
    /// Keeps it running.
    _process: Option<Process>,
}

impl Server {
    /// Starts the contestant's command, or takes the target as it is.
    ///
    /// The command is run by `sh` with `exec` before it, so that the process that we measure and end is the server
    /// and no shell; a script must end in `exec` too.
    ///
    /// # Errors
    /// [`Error::Failed`] when the command ends, or prints something else than `listening on ADDR` first, or nothing;
    /// [`Error::Usage`] when that address is not on this machine.
    pub(crate) fn start(
        contestant: &Contestant,
        reader_idle: Duration,
        pin: Pin,
        deadline: &Deadline,
    ) -> Result<Self, Error> {
        let label = contestant.label.clone();
        let command = match (&contestant.origin, contestant.command(reader_idle)) {
            (Origin::Target(target), _) => {
                let (addr, pid) = (target.addr, target.pid);
                return Ok(Self { label, addr, pid, _process: None });
            }
            (Origin::Command(_), command) => command.unwrap_or_default(),
        };
        let mut process = Process::start(&["sh", "-c", &format!("exec {command}")], pin)
            .map_err(|error| Error::Failed(format!("the command of {label} could not be run: {error}")))?;
        let addr = announced(&label, process.first_line(deadline.left()).as_deref())?;
        Ok(Self { label, addr, pid: Some(process.pid()), _process: Some(process) })
    }

    /// Waits until the server has given back the descriptors of closed lines, so that the next run starts alike.
    ///
    /// Gives up after a while, as a server may keep descriptors for good reasons.
    pub(crate) fn settle(&self, descriptors: Option<usize>, deadline: &Deadline) {
        const PAUSE: Duration = Duration::from_millis(10);
        // What a server may open for itself meanwhile, as a JVM its classes.
        const OWN: usize = 16;
        let (Some(pid), Some(before)) = (self.pid, descriptors) else {
            return;
        };
        for _ in 0..500 {
            let open = proc::open_files(pid).unwrap_or(0);
            if open <= before + OWN || deadline.left().is_zero() {
                return;
            }
            thread::sleep(PAUSE);
        }
    }

    /// How many descriptors it holds, if we may know.
    pub(crate) fn descriptors(&self) -> Option<usize> {
        proc::open_files(self.pid?).ok()
    }
}

/// The address in the first line.
fn announced(label: &str, first: Option<&str>) -> Result<SocketAddr, Error> {
    let wrong = |what: &str| {
        Error::Failed(format!(
            "{label} {what}: its command must start a server whose first line is `{FIRST_WORDS}ADDRESS:PORT`"
        ))
    };
    let first = first.ok_or_else(|| wrong("ended or kept silent instead of listening"))?;
    let addr = first.trim_end().strip_prefix(FIRST_WORDS).ok_or_else(|| wrong(&format!("printed {first:?}")))?;
    target::resolve(addr, false)
}
