//! `bench session`: what a logged-in session that says nothing costs in memory, and a login in processor time.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    super::{
        Error, Report,
        figure::{Figure, Fold, Round},
        machine,
        proc::{cpu::Meter, memory},
        progress::Progress,
        stats::{each, float, micros, slope},
    },
    host::Brand,
    stage::Stage,
    swarm::{GENTLY, Swarm, still_there},
    v1::V1,
};

static RSS: Figure = Figure { key: "user_bytes_per_session", title: "user B/session", digits: 0, fold: Fold::Median };
static SMAPS: Figure = Figure { key: "user_bytes_per_session_smaps", title: "by smaps", digits: 0, fold: Fold::Median };
static BASE: Figure = Figure { key: "user_base_kib", title: "base KiB", digits: 0, fold: Fold::Median };
static LOGIN: Figure = Figure { key: "cpu_us_per_login", title: "CPU us/login", digits: 1, fold: Fold::Median };
static LOGINS: Figure = Figure { key: "logins_per_s", title: "logins/s", digits: 0, fold: Fold::Median };

/// How long the sessions are silent before memory is read: allocators and the kernel's counters come to rest.
const REST: Duration = Duration::from_millis(500);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    /// Memory is read at the first and at the second number of sessions.
    pub(crate) sessions: (usize, usize),
}

impl Session {
    /// Runs the contest; each run has a fresh server, so that no memory is left from the one before.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(&self, stage: &Stage) -> Result<Report, Error> {
        machine::make_room(self.sessions.1)?;
        let settings = json!({ "sessions": [self.sessions.0, self.sessions.1] });
        let settings = settings.as_object().cloned().unwrap_or_default();
        stage.perform("session", settings, |brand, folder| self.once(stage, brand, folder))
    }

    fn once(&self, stage: &Stage, brand: Brand, folder: &Path) -> Result<Round, Error> {
        let (low, high) = self.sessions;
        let (town, ()) = stage.populate(high, folder, |_, _| Ok(()))?;
        let host = stage.start_secure(brand, folder)?;
        let speech = V1 { tokens: &town.tokens, group: String::new() };
        let mut swarm = Swarm::over(host.addr, speech, stage.secure.clone())?;
        let progress = Progress::new(&format!("{}: sessions", brand.label()), high as u64);
        let mut sample = |count: usize| -> Result<_, Error> {
            let (meter, begin) = (Meter::start(Some(host.pid())), Instant::now());
            swarm.rise(count, GENTLY, &stage.deadline, &progress)?;
            let (took, used) = (begin.elapsed(), meter.stop());
            rest(&mut swarm)?;
            let memory = memory::Sample::read(host.pid())
                .map_err(|error| Error::io("the server's memory can't be read", error))?;
            Ok((memory, took, used))
        };
        let (at_low, ..) = sample(low)?;
        let (at_high, took, used) = sample(high - low)?;
        let (few, many) = (low as u64, high as u64);
        let mut round = Round::default();
        if let Some(bytes) = slope((few, at_low.rss_anon), (many, at_high.rss_anon)) {
            let base = (float(at_low.rss_anon) - bytes * float(few)) / 1024.0;
            round.measures.extend([RSS.of(bytes), BASE.of(base)]);
        }
        if let (Some(at_low), Some(at_high)) = (at_low.smaps, at_high.smaps) {
            round.measures.extend(slope((few, at_low), (many, at_high)).map(|bytes| SMAPS.of(bytes)));
        }
        match used {
            Ok(used) => round.measures.push(LOGIN.of(each(micros(used.total), many - few))),
            Err(note) => round.notes.push(note),
        }
        round.measures.push(LOGINS.of(float(many - few) / took.as_secs_f64()));
        Ok(round)
    }
}

/// Lets time pass; no session may be closed meanwhile.
fn rest(swarm: &mut Swarm<V1<'_>>) -> Result<(), Error> {
    let until = Instant::now() + REST;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        swarm.turn(left, |id, happening, _, _| still_there(id, happening))?;
    }
}
