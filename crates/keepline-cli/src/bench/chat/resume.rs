//! `bench resume`: the server is killed under load (`SIGKILL`) and started again; how long until every session is back
//! and has everything that was said to it meanwhile.
//!
//! ```text
//! all log in ── half of the messages are acknowledged ── kill -9 ── start ── all log in again, the rest is said ── over
//! ```
//! What was not acknowledged at the kill is said again with the same id. A client drops what it has by (conversation,
//! seq), as the protocol tells it to: what counts as a duplicate is a message that comes under two numbers.

use std::{
    collections::VecDeque,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    super::{
        Error, Report,
        figure::{Figure, Fold, Round},
        machine,
        progress::Progress,
        stats::{float, millis},
    },
    host::Brand,
    speech::{Heard, Message},
    stage::Stage,
    swarm::{Happening, Swarm, still_there},
    town::between,
    v1::V1,
};

static START: Figure = Figure { key: "start_ms", title: "start ms", digits: 0, fold: Fold::Median };
static BACK: Figure = Figure { key: "all_back_s", title: "all back s", digits: 2, fold: Fold::Median };
static CAUGHT_UP: Figure = Figure { key: "all_caught_up_s", title: "all caught up s", digits: 2, fold: Fold::Median };
static MESSAGES: Figure = Figure { key: "messages", title: "messages", digits: 0, fold: Fold::Sum };
static REPEATS: Figure =
    Figure { key: "repeated_on_the_wire", title: "repeated on the wire", digits: 0, fold: Fold::Sum };
static LOST: Figure = Figure { key: "lost", title: "lost", digits: 0, fold: Fold::Sum };
static TWICE: Figure = Figure { key: "duplicate", title: "duplicate", digits: 0, fold: Fold::Sum };

const FOOTNOTE: &str = "start: from the kill to the first line of the new server. back, caught up: from then on, until \
                        the last session was welcomed, and until the last had everything.";

/// Clients that speak.
const SENDERS: usize = 64;
/// Messages of a sender that are not acknowledged yet, at most.
const DEPTH: usize = 16;
/// Messages for each session.
const EACH: usize = 2;
/// How long the last messages may take, and how long a repetition is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
const REST: Duration = Duration::from_millis(300);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resume {
    /// How many sessions.
    pub(crate) sessions: usize,
    /// How many of them may be between their connect and their login.
    pub(crate) at_once: usize,
}

/// What was said and heard so far, over both servers.
struct Books {
    sessions: usize,
    /// By sender: messages that wait.
    waiting: Vec<VecDeque<usize>>,
    /// By sender: messages without an ack.
    under_way: Vec<Vec<usize>>,
    /// By message: whether it is acknowledged, and how often the application of its session got it.
    acked: Vec<bool>,
    got: Vec<u32>,
    /// By session: the last number in its conversation.
    seq: Vec<u64>,
    acks: usize,
    first_time: usize,
    repeats: u64,
    holes: u64,
}

impl Resume {
    /// Runs the contest.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(&self, stage: &Stage) -> Result<Report, Error> {
        machine::make_room(self.sessions + SENDERS)?;
        let settings = json!({
            "sessions": self.sessions,
            "at_once": self.at_once,
            "messages": EACH * self.sessions,
            "senders": SENDERS,
        });
        let settings = settings.as_object().cloned().unwrap_or_default();
        let mut report = stage.perform("resume", settings, |brand, folder| self.once(stage, brand, folder))?;
        report.footnote = Some(format!("{FOOTNOTE}\n{}", report.footnote.unwrap_or_default()));
        Ok(report)
    }

    fn once(&self, stage: &Stage, brand: Brand, folder: &Path) -> Result<Round, Error> {
        let everybody = self.sessions + SENDERS;
        let (town, ()) = stage.populate(everybody, folder, |_, _| Ok(()))?;
        let speech = || V1 { tokens: &town.tokens, group: String::new() };
        let progress = Progress::new(&format!("{}: sessions", brand.label()), everybody as u64);
        let mut books = Books::new(self.sessions);

        let host = stage.start(brand, folder)?;
        let mut swarm = Swarm::new(host.addr, speech())?;
        swarm.rise(everybody, self.at_once, &stage.deadline, &progress)?;
        for id in self.sessions..everybody {
            swarm.say(id, |speech, out| books.say(id, speech, out))?;
        }
        while books.acks < books.acked.len() / 2 {
            let now = swarm.turn(Duration::from_millis(10), |id, happening, _, out| {
                books.hear(id, &happening, &speech(), out);
                still_there(id, happening)
            })?;
            stage.deadline.check(now, "the first half is said")?;
        }
        let killed = Instant::now();
        drop(host);
        drop(swarm);
        books.line_ended();

        let host = stage.start(brand, folder)?;
        let started = Instant::now();
        let mut swarm = Swarm::new(host.addr, speech())?;
        let (mut back, mut all_back, mut caught_up) = (0, started, started);
        let mut over = None;
        while over.is_none_or(|over: Instant| over.elapsed() < REST) {
            while swarm.ever() < everybody && swarm.ever() - back < self.at_once {
                swarm.dial()?;
            }
            let now = swarm.turn(Duration::from_millis(10), |id, happening, at, out| {
                if matches!(happening, Happening::Heard(Heard::Ready(_))) {
                    (back, all_back) = (back + 1, at);
                    books.say(id, &speech(), out);
                }
                if books.hear(id, &happening, &speech(), out) {
                    caught_up = at;
                }
                still_there(id, happening)
            })?;
            stage.deadline.check(now, "sessions come back")?;
            let done = back == everybody && books.is_complete();
            if over.is_none() && (done || (back == everybody && now - caught_up.max(all_back) > PATIENCE)) {
                over = Some(now);
            }
        }
        Ok(books.round(started - killed, all_back - started, caught_up.max(all_back) - started))
    }
}

impl Books {
    fn new(sessions: usize) -> Self {
        let messages = EACH * sessions;
        // A session hears of one sender only: so it has one conversation, and one row of numbers.
        let waiting = |sender: usize| (0..messages).filter(|message| message % sessions % SENDERS == sender).collect();
        Self {
            sessions,
            waiting: (0..SENDERS).map(waiting).collect(),
            under_way: vec![Vec::new(); SENDERS],
            acked: vec![false; messages],
            got: vec![0; messages],
            seq: vec![0; sessions],
            acks: 0,
            first_time: 0,
            repeats: 0,
            holes: 0,
        }
    }

    /// A client says what it has to say, as far as it may; sessions have nothing.
    fn say(&mut self, id: usize, speech: &V1<'_>, out: &mut Vec<u8>) {
        let Some(sender) = id.checked_sub(self.sessions) else { return };
        while self.under_way[sender].len() < DEPTH {
            let Some(message) = self.waiting[sender].pop_front() else { return };
            self.under_way[sender].push(message);
            let conversation = between(message % self.sessions, id);
            speech.send(&conversation, message as u128, &(message as u64).to_be_bytes(), out);
        }
    }

    /// Whatever has no ack is said again, before all else.
    fn line_ended(&mut self) {
        for (waiting, under_way) in self.waiting.iter_mut().zip(&mut self.under_way) {
            for message in under_way.drain(..).rev() {
                waiting.push_front(message);
            }
        }
    }

    /// Enters what a client heard, and lets it go on; whether it brought a session something new.
    fn hear(&mut self, id: usize, happening: &Happening<'_>, speech: &V1<'_>, out: &mut Vec<u8>) -> bool {
        match happening {
            Happening::Heard(Heard::Stored { id: message, .. }) => {
                let (Some(sender), Ok(message)) = (id.checked_sub(self.sessions), usize::try_from(*message)) else {
                    return false;
                };
                self.under_way[sender].retain(|other| *other != message);
                if let Some(acked) = self.acked.get_mut(message).filter(|acked| !**acked) {
                    *acked = true;
                    self.acks += 1;
                }
                self.say(id, speech, out);
                false
            }
            Happening::Heard(Heard::Message(message)) if id < self.sessions => self.take(id, message),
            Happening::Heard(_) | Happening::Gone => false,
        }
    }

    fn take(&mut self, id: usize, message: &Message<'_>) -> bool {
        let last = &mut self.seq[id];
        if message.seq <= *last {
            self.repeats += 1;
            return false;
        }
        self.holes += message.seq - *last - 1;
        *last = message.seq;
        let number = message.body.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        let number = number.and_then(|number| usize::try_from(number).ok());
        if let Some(got) = number.and_then(|number| self.got.get_mut(number)) {
            self.first_time += usize::from(*got == 0);
            *got += 1;
        }
        true
    }

    /// Whether everything is acknowledged, and everybody has everything.
    fn is_complete(&self) -> bool {
        self.acks == self.acked.len() && self.first_time == self.got.len()
    }

    fn round(&self, start: Duration, back: Duration, caught_up: Duration) -> Round {
        let lost = self.acked.iter().zip(&self.got).filter(|(acked, got)| **acked && **got == 0).count() as u64;
        let lost = lost.max(self.holes);
        let twice: u64 = self.got.iter().map(|got| u64::from(got.saturating_sub(1))).sum();
        let mut round = Round {
            measures: vec![
                START.of(millis(start)),
                BACK.of(back.as_secs_f64()),
                CAUGHT_UP.of(caught_up.as_secs_f64()),
                MESSAGES.of(float(self.acks as u64)),
                REPEATS.of(float(self.repeats)),
                LOST.of(float(lost)),
                TWICE.of(float(twice)),
            ],
            ..Round::default()
        };
        if lost + twice > 0 {
            round.faults.push(format!("{lost} acknowledged messages were lost and {twice} came twice"));
        }
        if self.acks < self.acked.len() {
            let missing = self.acked.len() - self.acks;
            round.faults.push(format!("{missing} messages have no ack in the end"));
        }
        round
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSIONS: usize = 2;

    fn stored(message: usize) -> Happening<'static> {
        Happening::Heard(Heard::Stored { id: message as u128, duplicate: false })
    }

    fn delivery(seq: u64, message: u64) -> Happening<'static> {
        let body = message.to_be_bytes().to_vec().into();
        Happening::Heard(Heard::Message(Message { conversation: String::new(), seq, body }))
    }

    /// Two sessions with two messages each; every message is said and acknowledged.
    fn books() -> Books {
        let (mut books, speech) = (Books::new(SESSIONS), V1 { tokens: &[], group: String::new() });
        for sender in SESSIONS..SESSIONS + SENDERS {
            books.say(sender, &speech, &mut Vec::new());
        }
        assert_eq!(books.under_way[..3], [vec![0, 2], vec![1, 3], vec![]], "each session has one sender");
        for (sender, message) in [(2, 0), (3, 1), (2, 2), (3, 3), (3, 3)] {
            books.hear(sender, &stored(message), &speech, &mut Vec::new());
        }
        books
    }

    #[test]
    fn lost_doubled_and_repeated_are_told_apart() {
        for (what, heard, lost, twice, repeats) in [
            ("all is well", &[(0, 1, 0), (0, 2, 2), (1, 1, 1), (1, 2, 3)][..], 0, 0, 0),
            ("again, with its number", &[(0, 1, 0), (0, 1, 0), (0, 2, 2), (1, 1, 1), (1, 2, 3)], 0, 0, 1),
            ("one never came", &[(0, 1, 0), (0, 2, 2), (1, 1, 1)], 1, 0, 0),
            ("one was stepped over", &[(0, 1, 0), (0, 2, 2), (1, 2, 3)], 1, 0, 0),
            ("one has two numbers", &[(0, 1, 0), (0, 2, 0), (0, 3, 2), (1, 1, 1), (1, 2, 3)], 0, 1, 0),
            ("numbers that start again", &[(0, 1, 0), (0, 1, 2), (1, 1, 1), (1, 2, 3)], 1, 0, 1),
        ] {
            let (mut books, speech) = (books(), V1 { tokens: &[], group: String::new() });
            for (session, seq, message) in heard {
                books.hear(*session, &delivery(*seq, *message), &speech, &mut Vec::new());
            }
            let round = books.round(Duration::ZERO, Duration::ZERO, Duration::ZERO);
            let value = |key| round.value(key).unwrap();
            let got = (value("lost"), value("duplicate"), value("repeated_on_the_wire"));
            assert_eq!(got, (f64::from(lost), f64::from(twice), f64::from(repeats)), "{what}");
            assert_eq!(round.faults.is_empty(), lost + twice == 0, "{what}: {:?}", round.faults);
        }
    }

    #[test]
    fn what_has_no_ack_at_the_kill_is_said_again_first() {
        let mut books = Books::new(SENDERS * DEPTH);
        let (speech, sender) = (V1 { tokens: &[], group: String::new() }, SENDERS * DEPTH);
        books.say(sender, &speech, &mut Vec::new());
        let said = books.under_way[0].clone();
        books.hear(sender, &stored(said[3]), &speech, &mut Vec::new());
        books.line_ended();
        books.say(sender, &speech, &mut Vec::new());
        let again: Vec<usize> = said.iter().copied().filter(|message| *message != said[3]).collect();
        assert_eq!(books.under_way[0][..DEPTH - 1], again);
        assert_eq!(books.under_way[0].len(), DEPTH);
    }
}
