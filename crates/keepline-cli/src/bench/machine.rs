//! What the machine allows: descriptors for many lines, and which core a thread runs on.

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use super::Error;

/// Descriptors left for everything but lines.
const SPARE: u64 = 200;

/// Makes room for `lines` descriptors: raises the soft limit to the hard one if it must.
///
/// A server process that is started afterwards inherits the limit.
///
/// # Errors
/// [`Error::Usage`], with the most that fits.
pub(crate) fn make_room(lines: usize) -> Result<(), Error> {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(u64::MAX);
    check_room(lines, hard)?;
    let enough = limit.current.is_none_or(|soft| lines as u64 + SPARE <= soft);
    if enough {
        return Ok(());
    }
    setrlimit(Resource::Nofile, Rlimit { current: Some(hard), maximum: limit.maximum })
        .map_err(|error| Error::io("the limit on open files could not be raised", error))
}

fn check_room(lines: usize, hard: u64) -> Result<(), Error> {
    let most = hard.saturating_sub(SPARE);
    if lines as u64 <= most {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{lines} connections need {} open files, and the limit (ulimit -Hn) is {hard}: ask for at most {most} \
         --connections, or raise the limit",
        lines as u64 + SPARE
    )))
}

/// Which cores the server and the load run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// Where the scheduler puts them.
    Free,
    /// Each on a core of its own.
    Apart {
        /// The core of each server that we start.
        server: usize,
        /// The core of the load.
        load: usize,
    },
}

impl Pin {
    /// Runs `start`, which starts the server: on the first core, which a new process inherits. Leaves this thread, the
    /// load, on the second.
    ///
    /// # Errors
    /// [`Error::Usage`] on a machine with one core; [`Error::Failed`] when the kernel refuses.
    pub(crate) fn on_server_core<T>(self, start: impl FnOnce() -> T) -> Result<T, Error> {
        let Self::Apart { server, load } = self else {
            return Ok(start());
        };
        move_to(server)?;
        let started = start();
        move_to(load)?;
        Ok(started)
    }

    /// Takes two of the cores that this process may use, and moves this thread, the load, to the second.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is only one.
    pub(crate) fn apart() -> Result<Self, Error> {
        let allowed =
            sched_getaffinity(None).map_err(|error| Error::io("the cores of this process are unknown", error))?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let (Some(server), Some(load)) = (cores.next(), cores.next()) else {
            return Err(Error::Usage(
                "--pin needs two cores, one for the server and one for the load: leave it out on this machine".into(),
            ));
        };
        move_to(load)?;
        Ok(Self::Apart { server, load })
    }

    /// Whether the load may spin while it waits, without taking the only core from the server.
    pub(crate) fn may_spin(self) -> bool {
        // A pinned thread would count its own core alone.
        self != Self::Free || std::thread::available_parallelism().is_ok_and(|cores| cores.get() >= 2)
    }
}

fn move_to(core: usize) -> Result<(), Error> {
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(None, &one).map_err(|error| Error::io("the load could not be pinned to a core", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_lines_are_refused_with_the_most_that_fits() {
        assert!(check_room(19_800, 20_000).is_ok());
        let error = check_room(19_801, 20_000).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("at most 19800"), "{error}");
        assert!(check_room(1, 100).is_err(), "no room at all");
    }
}
