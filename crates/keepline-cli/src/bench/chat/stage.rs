//! The stage of a benchmark of chat: whose servers, how often, how long, and on which disk.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{
    super::{Deadline, Error, Pin, Report, contest::take_turns, figure::Round, stats},
    host::{Brand, Host},
    secure::Secure,
    town::Town,
};
use crate::limits::Limits;

/// How the figures of our own server are to be read.
const PROFILES: &str = "Limits `bench`: clients send as fast as they can (else 20 messages a second, 100 at once), and \
                        passwords are hashed at the least cost, and strangers have no limits. Limits `default`: those of \
                        `keepline serve`, but of one address, from which all clients here come.";

/// Whose servers, how often, how long, and on which disk.
#[derive(Debug)]
pub(crate) struct Stage {
    /// The servers; the first is the one under test.
    pub(crate) brands: Vec<Brand>,
    /// How many rounds.
    pub(crate) rounds: usize,
    /// When all must be over.
    pub(crate) deadline: Deadline,
    /// Where server and load run.
    pub(crate) pin: Pin,
    /// Where the servers keep their data while they run.
    pub(crate) disk: PathBuf,
    /// TLS between the measured server and its clients, where a benchmark asks for it.
    pub(crate) secure: Option<Secure>,
}

/// A folder for one run, removed at its end.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Stage {
    /// Runs all rounds; `run` gets a server's brand and an empty folder for it.
    ///
    /// # Errors
    /// The first error of a run.
    pub(super) fn perform(
        &self,
        bench: &'static str,
        mut settings: Map<String, Value>,
        mut run: impl FnMut(Brand, &Path) -> Result<Round, Error>,
    ) -> Result<Report, Error> {
        let labels: Vec<String> = self.brands.iter().map(|brand| brand.label().to_owned()).collect();
        let rows = take_turns(&labels, self.rounds, |index, _| {
            let folder = Folder::make(&self.disk)?;
            run(self.brands[index], &folder.0)
        })?;
        settings.insert("rounds".into(), json!(self.rounds));
        settings.insert("pinned".into(), json!(self.pin != Pin::Free));
        settings.insert("limits".into(), json!(PROFILES));
        settings.insert("tls".into(), json!(self.secure.is_some()));
        let footnote = Some(PROFILES.to_owned());
        Ok(Report { bench, settings, rows, baseline: Brand::Keepline(Limits::Bench).label(), footnote })
    }

    /// Starts a server.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub(super) fn start(&self, brand: Brand, folder: &Path) -> Result<Host, Error> {
        Host::start(brand, folder, self.pin, None, &self.deadline)
    }

    /// The same, over TLS if that was asked for.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub(super) fn start_secure(&self, brand: Brand, folder: &Path) -> Result<Host, Error> {
        Host::start(brand, folder, self.pin, self.secure.as_ref(), &self.deadline)
    }

    /// Makes accounts, and what `more` makes with them, at a server of ours for that alone. What it leaves in the
    /// folder is there for the next one.
    ///
    /// # Errors
    /// As [`Host::start`] and [`Town::found`].
    pub(super) fn populate<T>(
        &self,
        count: usize,
        folder: &Path,
        more: impl FnOnce(&Town, &Host) -> Result<T, Error>,
    ) -> Result<(Town, T), Error> {
        let host = self.start(Brand::Keepline(Limits::Bench), folder)?;
        let town = Town::found(host.api()?, count, &self.deadline)?;
        let made = more(&town, &host)?;
        Ok((town, made))
    }
}

impl Folder {
    fn make(disk: &Path) -> Result<Self, Error> {
        let folder = disk.join(format!("keepline-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)
            .map_err(|error| Error::io(&format!("no folder {} for data", folder.display()), error))?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed is left for its owner to see.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What one sync of 4 KiB takes on the disk of this folder, half of the times: no durable answer comes earlier.
///
/// # Errors
/// [`Error::Failed`] when the disk refuses.
pub(super) fn sync_time(folder: &Path) -> Result<Duration, Error> {
    const TIMES: usize = 101;
    let failed = |error| Error::io("the disk's sync could not be timed", error);
    let mut file = File::create(folder.join("sync")).map_err(failed)?;
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let begin = Instant::now();
        file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).map_err(failed)?;
        times.push(begin.elapsed().as_secs_f64());
    }
    Ok(Duration::from_secs_f64(stats::median(times).unwrap_or_default()))
}
