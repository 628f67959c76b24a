//! `bench send`: messages that are on the disk when they are acknowledged, in a closed loop of private conversations.
//!
//! ```text
//! begin ── warm-up ──> window begins ── measured ──> window ends ── the last acks and deliveries come in ──> over
//! ```
//! The clients are pairs. Each keeps its messages under way, and both hear and acknowledge what either says.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    super::{
        Error, Report,
        figure::{Figure, Fold, Round},
        machine,
        proc::cpu::Meter,
        progress::Progress,
        stats::{Latencies, each, float, micros},
    },
    host::{Brand, Host},
    speech::{Heard, Message},
    stage::{Stage, sync_time},
    swarm::{GENTLY, Happening, Swarm, still_there},
    town::between,
    v1::V1,
};

static RATE: Figure = Figure { key: "sends_per_s", title: "sends/s", digits: 0, fold: Fold::Median };
static P50: Figure = Figure { key: "p50_us", title: "p50 us", digits: 0, fold: Fold::Median };
static P99: Figure = Figure { key: "p99_us", title: "p99 us", digits: 0, fold: Fold::Median };
static P999: Figure = Figure { key: "p999_us", title: "p99.9 us", digits: 0, fold: Fold::Median };
static MAX: Figure = Figure { key: "max_us", title: "max us", digits: 0, fold: Fold::Max };
static CPU: Figure = Figure { key: "cpu_us_per_send", title: "CPU us/send", digits: 1, fold: Fold::Median };
static SYNC: Figure = Figure { key: "disk_sync_us", title: "one sync us", digits: 0, fold: Fold::Median };
static MESSAGES: Figure = Figure { key: "messages", title: "messages", digits: 0, fold: Fold::Sum };
static LOST: Figure = Figure { key: "lost", title: "lost", digits: 0, fold: Fold::Sum };
static TWICE: Figure = Figure { key: "duplicate", title: "duplicate", digits: 0, fold: Fold::Sum };

const FOOTNOTE: &str = "Latencies: closed loop, from each message's sending to its ack; not corrected for coordinated \
                        omission. Each message is delivered to both ends of its pair, and acknowledged by both.";

/// What an acknowledgement must stand for.
const DURABILITY: &str = "disk";
/// How long the last acks and deliveries may take.
const DRAIN: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Send {
    /// How many clients; they are pairs.
    pub(crate) connections: usize,
    /// Messages of a client that are not acknowledged yet, at most.
    pub(crate) depth: usize,
    /// Bytes of a message's body.
    pub(crate) size: usize,
    /// How long is measured in each round.
    pub(crate) duration: Duration,
    /// How long the same load runs before that.
    pub(crate) warmup: Duration,
}

/// The books of a run.
struct Books {
    window: (Instant, Instant),
    clients: Vec<Client>,
    latencies: Latencies,
    stored: u64,
    delivered: u64,
    twice: u64,
}

/// What one client has said and heard.
struct Client {
    conversation: String,
    /// The messages under way, by id: when they were said.
    under_way: HashMap<u128, Instant>,
    said: u64,
    /// The last number that it heard.
    seq: u64,
}

impl Send {
    /// Runs the contest.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(&self, stage: &Stage) -> Result<Report, Error> {
        machine::make_room(self.connections)?;
        let settings = json!({
            "connections": self.connections,
            "depth": self.depth,
            "body_bytes": self.size,
            "duration_ms": self.duration.as_millis(),
            "warmup_ms": self.warmup.as_millis(),
            "durability": DURABILITY,
            "latency": "closed loop, uncorrected",
        });
        let settings = settings.as_object().cloned().unwrap_or_default();
        let mut report = stage.perform("send", settings, |brand, folder| self.once(stage, brand, folder))?;
        report.footnote = Some(format!("{FOOTNOTE}\n{}", report.footnote.unwrap_or_default()));
        Ok(report)
    }

    fn once(&self, stage: &Stage, brand: Brand, folder: &Path) -> Result<Round, Error> {
        let (town, ()) = stage.populate(self.connections, folder, |_, _| Ok(()))?;
        let sync = sync_time(folder)?;
        let host = stage.start(brand, folder)?;
        let mut swarm = Swarm::new(host.addr, V1 { tokens: &town.tokens, group: String::new() })?;
        let progress = Progress::new(&format!("{}: clients", brand.label()), self.connections as u64);
        let ready = swarm.rise(self.connections, GENTLY, &stage.deadline, &progress)?;
        let mut round = self.talk(&mut swarm, stage, &host)?;
        round.measures.push(SYNC.of(micros(sync)));
        if ready.durability != DURABILITY {
            round.faults.push(format!("an ack stands for {:?} there, not for {DURABILITY:?}", ready.durability));
        }
        Ok(round)
    }

    fn talk(&self, swarm: &mut Swarm<V1<'_>>, stage: &Stage, host: &Host) -> Result<Round, Error> {
        let begin = Instant::now();
        let window = (begin + self.warmup, begin + self.warmup + self.duration);
        let mut books = Books::new(self.connections, window);
        for id in 0..self.connections {
            swarm.say(id, |speech, out| {
                for _ in 0..self.depth {
                    self.say(&mut books, id, begin, speech, out);
                }
            })?;
        }
        let speech = V1 { tokens: &[], group: String::new() };
        let mut run = |books: &mut Books, until: Instant, settled: bool| -> Result<Instant, Error> {
            loop {
                let now = swarm.turn(Duration::from_millis(10), |id, happening, at, out| {
                    if books.hear(id, &happening, at) && at < books.window.1 {
                        self.say(books, id, at, &speech, out);
                    }
                    still_there(id, happening)
                })?;
                stage.deadline.check(now, "sending")?;
                if now >= until || (settled && books.is_settled()) {
                    return Ok(now);
                }
            }
        };
        let opened = run(&mut books, window.0, false)?;
        let (meter, before) = (Meter::start(Some(host.pid())), books.stored);
        let ended = run(&mut books, window.1, false)?;
        let (used, stored) = (meter.stop(), books.stored - before);
        run(&mut books, ended + DRAIN, true)?;
        let mut round = books.round(stored, ended - opened);
        match used {
            Ok(used) => round.measures.push(CPU.of(each(micros(used.total), stored))),
            Err(note) => round.notes.push(note),
        }
        Ok(round)
    }

    /// A client says its next message.
    fn say(&self, books: &mut Books, id: usize, at: Instant, speech: &V1<'_>, out: &mut Vec<u8>) {
        let client = &mut books.clients[id];
        let message = (id as u128) << 64 | u128::from(client.said);
        client.said += 1;
        client.under_way.insert(message, at);
        speech.send(&client.conversation, message, &vec![7; self.size], out);
    }
}

impl Books {
    fn new(connections: usize, window: (Instant, Instant)) -> Self {
        let client =
            |id: usize| Client { conversation: between(id, id ^ 1), under_way: HashMap::new(), said: 0, seq: 0 };
        let clients = (0..connections).map(client).collect();
        Self { window, clients, latencies: Latencies::new(), stored: 0, delivered: 0, twice: 0 }
    }

    /// Enters what a client heard; whether it has room for another message.
    fn hear(&mut self, id: usize, happening: &Happening<'_>, at: Instant) -> bool {
        let client = &mut self.clients[id];
        match happening {
            Happening::Heard(Heard::Stored { id, .. }) => {
                let Some(said) = client.under_way.remove(id) else { return false };
                self.stored += 1;
                if said >= self.window.0 && said < self.window.1 {
                    self.latencies.record(at - said);
                }
                true
            }
            Happening::Heard(Heard::Message(Message { seq, .. })) => {
                if *seq <= client.seq {
                    self.twice += 1;
                } else {
                    // A hole shows in the end: less was delivered than stored.
                    client.seq = *seq;
                    self.delivered += 1;
                }
                false
            }
            Happening::Heard(_) | Happening::Gone => false,
        }
    }

    /// Whether everything is acknowledged, and was delivered to both of each pair.
    fn is_settled(&self) -> bool {
        self.delivered == 2 * self.stored && self.clients.iter().all(|client| client.under_way.is_empty())
    }

    fn round(&self, stored: u64, window: Duration) -> Round {
        let quantile = |quantile| micros(self.latencies.quantile(quantile));
        let lost = (2 * self.stored).saturating_sub(self.delivered);
        let unanswered: usize = self.clients.iter().map(|client| client.under_way.len()).sum();
        let mut round = Round {
            measures: vec![
                RATE.of(float(stored) / window.as_secs_f64()),
                P50.of(quantile(0.5)),
                P99.of(quantile(0.99)),
                P999.of(quantile(0.999)),
                MAX.of(micros(self.latencies.max())),
                MESSAGES.of(float(self.stored)),
                LOST.of(float(lost)),
                TWICE.of(float(self.twice)),
            ],
            ..Round::default()
        };
        if unanswered > 0 {
            round.faults.push(format!("{unanswered} messages had no ack 10 s after the last was sent"));
        }
        if lost + self.twice > 0 {
            round.faults.push(format!("{lost} deliveries were lost and {} came twice", self.twice));
        }
        round
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_settled_when_both_ends_have_it() {
        let begin = Instant::now();
        let mut books = Books::new(2, (begin, begin + Duration::from_secs(1)));
        let speech = V1 { tokens: &[], group: String::new() };
        let send = Send { connections: 2, depth: 1, size: 8, duration: Duration::ZERO, warmup: Duration::ZERO };
        send.say(&mut books, 1, begin, &speech, &mut Vec::new());
        let at = begin + Duration::from_millis(3);
        let stored = Happening::Heard(Heard::Stored { id: 1 << 64, duplicate: false });
        assert!(books.hear(1, &stored, at), "room for the next");
        assert!(!books.hear(1, &stored, at), "acknowledged twice, it makes room once");
        assert!(!books.is_settled());
        for id in [0, 1, 1] {
            let message = Message { conversation: String::new(), seq: 1, body: [][..].into() };
            assert!(!books.hear(id, &Happening::Heard(Heard::Message(message)), at));
        }
        assert!(books.is_settled());
        assert_eq!((books.stored, books.delivered, books.twice, books.latencies.count()), (1, 2, 1, 1));
        assert_eq!(books.round(1, Duration::from_secs(1)).faults.len(), 1, "one came twice");
    }
}
