//! `bench login`: logins by password over HTTP, each a hash and a token on the disk, beside the bare hashes of one thread.

use std::{
    net::SocketAddr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use keepline_server::{Config, accounts::Hashing};
use serde_json::json;

use super::{
    super::{
        Error, Report,
        figure::{Figure, Fold, Round},
        proc::cpu::Meter,
        stats::{Latencies, each, float, micros, millis},
    },
    host::Brand,
    http::Client,
    stage::Stage,
    town::{self, Town},
};

static LOGINS: Figure = Figure { key: "logins_per_s", title: "logins/s", digits: 1, fold: Fold::Median };
static P50: Figure = Figure { key: "login_ms_p50", title: "p50 ms", digits: 0, fold: Fold::Median };
static P99: Figure = Figure { key: "login_ms_p99", title: "p99 ms", digits: 0, fold: Fold::Median };
static CPU: Figure = Figure { key: "cpu_ms_per_login", title: "CPU ms/login", digits: 1, fold: Fold::Median };
static HASHES: Figure =
    Figure { key: "hashes_per_s_of_one_thread", title: "hashes/s, one thread", digits: 1, fold: Fold::Median };

/// How long bare hashes are counted.
const BARE: Duration = Duration::from_secs(2);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Login {
    /// Clients, each of which logs in again as soon as it is.
    pub(crate) clients: usize,
    /// For so long.
    pub(crate) duration: Duration,
}

impl Login {
    /// Runs the contest.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(&self, stage: &Stage) -> Result<Report, Error> {
        let settings = json!({ "clients": self.clients, "duration_ms": self.duration.as_millis() });
        let settings = settings.as_object().cloned().unwrap_or_default();
        stage.perform("login", settings, |brand, folder| self.once(stage, brand, folder))
    }

    fn once(&self, stage: &Stage, brand: Brand, folder: &Path) -> Result<Round, Error> {
        let mut round = Round::default();
        // With nothing beside it: the server is not there yet.
        round.measures.push(HASHES.of(bare(brand)?));
        let host = stage.start(brand, folder)?;
        let api = host.api()?;
        // At the server that is measured, as an account keeps the cost that it was made with.
        let _town = Town::found(api, self.clients, &stage.deadline)?;
        stage.deadline.check(Instant::now() + self.duration, "logging in")?;
        let (meter, begin) = (Meter::start(Some(host.pid())), Instant::now());
        let until = begin + self.duration;
        let latencies = self.crowd(api, stage, until)?;
        let (took, used) = (begin.elapsed(), meter.stop());
        round.measures.push(LOGINS.of(float(latencies.count()) / took.as_secs_f64()));
        round.measures.extend([(&P50, 0.5), (&P99, 0.99)].map(|(figure, q)| figure.of(millis(latencies.quantile(q)))));
        match used {
            Ok(used) => round.measures.push(CPU.of(each(micros(used.total), latencies.count()) / 1e3)),
            Err(note) => round.notes.push(note),
        }
        Ok(round)
    }

    /// All clients at once, a thread each: they wait for answers nearly all the time.
    fn crowd(&self, api: SocketAddr, stage: &Stage, until: Instant) -> Result<Latencies, Error> {
        let client = |number: usize| -> Result<Vec<Duration>, Error> {
            let mut client = Client::connect(api, &stage.deadline)?;
            let login = json!({ "user": town::name(number), "password": town::PASSWORD, "device": "bench" });
            let mut took = Vec::new();
            while Instant::now() < until {
                let begin = Instant::now();
                client.post("/v1/tokens", None, &login)?;
                took.push(begin.elapsed());
            }
            Ok(took)
        };
        thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients).map(|number| scope.spawn(move || client(number))).collect();
            let mut latencies = Latencies::new();
            for ended in clients {
                let took = ended.join().unwrap_or_else(|_| Err(Error::Failed("a client ended early".into())))?;
                took.into_iter().for_each(|took| latencies.record(took));
            }
            Ok(latencies)
        })
    }
}

/// Hashes a second of one thread, at the cost that this server's accounts have.
fn bare(brand: Brand) -> Result<f64, Error> {
    let mut config = Config::default();
    if let Brand::Keepline(limits) = brand {
        limits.open(&mut config);
    }
    let hashing: Hashing = config.hashing;
    let (begin, mut count) = (Instant::now(), 0);
    while begin.elapsed() < BARE {
        hashing.hash(town::PASSWORD).ok_or_else(|| Error::Failed("no password can be hashed".into()))?;
        count += 1;
    }
    Ok(float(count) / begin.elapsed().as_secs_f64())
}
