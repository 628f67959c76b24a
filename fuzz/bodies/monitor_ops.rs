//! Fuzz body: a Monitor under any order of inputs, against the rules that hold whatever happens.
//!
//! Input: four bytes of settings (`Settings::decode`), then three bytes an input: which, how much, how much later.

use std::sync::Arc;

use keepline_proto::liveness::{Action, FRAME_WITHIN, Heartbeat, IdleEvent, IdleKind, Monitor};
use keepline_proto::{Duration, Instant, Reason};

/// How late a timer may be before it is a stall; the default of the settings.
const STALL: Duration = Duration::from_secs(1);

/// Runs one input.
///
/// # Panics
/// When the Monitor breaks a rule.
pub(crate) fn run(data: &[u8]) {
    let Some((settings, rest)) = data.split_first_chunk() else { return };
    let inputs: Vec<_> = rest.as_chunks().0.iter().copied().map(decode).collect();
    check(Settings::decode(*settings), &inputs);
}

/// Plays the inputs, each so much later than the one before.
///
/// # Panics
/// When the Monitor breaks a rule.
pub(crate) fn check(settings: Settings, inputs: &[(Duration, Input)]) {
    let mut witness = Witness::new(settings);
    for (later, input) in inputs {
        witness.input(*later, *input);
    }
}

/// Settings without contradictions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    ping: Option<(IdleKind, Duration)>,
    pong: Option<Duration>,
    missed: u8,
    silence: Option<Duration>,
    flood: Option<(Duration, u8)>,
    spread: bool,
}

impl Settings {
    /// The first byte says what is set, the second which intervals, the third which multiples, the fourth the flood.
    pub(crate) fn decode([role, interval, multiples, flood]: [u8; 4]) -> Self {
        const INTERVALS: [u64; 8] = [1, 7, 100, 1000, 5000, 60_000, 600_000, 86_400_000];
        let after = Duration::from_millis(INTERVALS[usize::from(interval % 8)]);
        let pings = role & 1 == 1;
        let watches = role & 2 == 2;
        // A pong timeout is a must where nothing else judges.
        let pongs = pings && (role & 4 == 4 || !watches);
        let part = u64::from(multiples % 4) + 1;
        let pong = Duration::from_nanos(after.as_nanos() / 4 * part).max(Duration::from_millis(1));
        let missed = if pongs { multiples >> 2 & 3 } else { 0 };
        let answer = if pongs { pong.times(u64::from(missed) + 1) } else { after };
        let least = after + if answer > after { answer } else { after };
        let silence = least + Duration::from_nanos(after.as_nanos() / 16).times(u64::from(multiples >> 4));
        let kind = [IdleKind::Reader, IdleKind::Writer, IdleKind::All][usize::from(interval >> 3) % 3];
        Self {
            ping: pings.then_some((kind, after)),
            pong: pongs.then_some(pong),
            missed,
            silence: watches.then_some(silence),
            flood: (role & 8 == 8).then_some((Duration::from_millis(u64::from(flood) + 1), flood % 4)),
            spread: role & 16 == 16,
        }
    }

    fn heartbeat(&self) -> Heartbeat {
        if self.ping.is_none() && self.silence.is_none() {
            return Heartbeat::off();
        }
        let mut builder = Heartbeat::builder();
        if let Some((kind, after)) = self.ping {
            builder = builder.ping(kind, after);
        }
        if let Some(pong) = self.pong {
            builder = builder.pong_within(pong).max_missed(self.missed);
        }
        if let Some(silence) = self.silence {
            builder = builder.silence(silence);
        }
        if let Some((gap, strikes)) = self.flood {
            builder = builder.ping_limit(gap, strikes);
        }
        if self.spread {
            builder = builder.spread_first_ping();
        }
        builder.build().expect("decoded without contradictions")
    }
}

/// What may happen to a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Input {
    Read,
    Write,
    PeerPing,
    /// A pong without a nonce.
    BarePong,
    /// A pong with the nonce of the ping this many before the last.
    Pong(u8),
    Pause,
    Resume,
    FrameBegin(u64),
    FrameBytes(u64),
    FrameEnd,
    Terms(Settings),
    /// The clock has moved on; perhaps something is due.
    Wake,
    /// The timer fires when it asked to, or so much later.
    Fire,
}

impl Input {
    /// Whether a driver must look at the deadline after it; after the others a lazy timer may sleep on.
    const fn may_hurry(self) -> bool {
        matches!(self, Self::FrameBegin(_) | Self::Resume | Self::Terms(_))
    }
}

/// One input and how much later it is: nothing to 16 times a power of ten nanoseconds.
pub(crate) fn decode([which, much, later]: [u8; 3]) -> (Duration, Input) {
    let span = Duration::from_nanos(u64::from(later & 15) * 10_u64.pow(u32::from(later >> 4) % 12));
    let input = match which % 16 {
        0 => Input::Read,
        1 => Input::Write,
        2 => Input::PeerPing,
        3 => Input::BarePong,
        4 => Input::Pong(much % 4),
        5 => Input::Pause,
        6 => Input::Resume,
        7 => Input::FrameBegin(1 << (much % 64)),
        8 => Input::FrameBytes(u64::MAX >> (much % 64)),
        9 => Input::FrameEnd,
        10 => Input::Terms(Settings::decode([much, later, which, much])),
        11 => Input::Wake,
        _ => Input::Fire,
    };
    (span, input)
}

/// A Monitor, and beside it what a bystander would write down.
struct Witness {
    line: Monitor,
    settings: Settings,
    now: Instant,
    /// The last byte read, or a later moment from which the silence counts anew.
    life: Instant,
    /// The last write or ping, or a later moment from which our own silence counts anew.
    said: Instant,
    /// Whether reads were paused since the last ping: its answer may have waited.
    waited: bool,
    /// The last ping of all.
    pinged: Option<(Instant, u32)>,
    /// Pings since `life`.
    probes: u16,
    suspected: bool,
    /// The last idle event since the last read.
    idle: Option<Instant>,
    frame: Option<Instant>,
    /// The peer's last ping under these terms.
    peer_pinged: Option<Instant>,
    /// The peer's pings that came less than the agreed gap after the one before.
    hurried: u32,
    paused: bool,
    closed: bool,
}

impl Witness {
    fn new(settings: Settings) -> Self {
        let now = Instant::START + Duration::from_secs(1);
        Self {
            line: Monitor::new(Arc::new(settings.heartbeat()), now, 42),
            settings,
            now,
            life: now,
            said: now,
            waited: false,
            pinged: None,
            probes: 0,
            suspected: false,
            idle: None,
            frame: None,
            peer_pinged: None,
            hurried: 0,
            paused: false,
            closed: false,
        }
    }

    fn input(&mut self, later: Duration, input: Input) {
        match input {
            Input::Wake => {
                self.now = self.now + later;
                self.wake();
            }
            Input::Fire => {
                self.now = self.now.max(self.line.deadline().unwrap_or_default()) + later;
                self.wake();
            }
            _ => {
                self.now = self.now + later;
                let was_due = self.is_due();
                let armed = self.line.deadline();
                self.report(input);
                let later = self.line.deadline().is_none_or(|due| armed.is_some_and(|armed| due >= armed));
                assert!(later || input.may_hurry(), "{input:?}: a timer armed for {armed:?} is too late");
                // Nothing was written during a pause; a ping for that reason may be due as soon as it is over.
                let may_be_due = was_due || matches!(input, Input::Resume) && self.pings_on(IdleKind::Writer);
                assert!(may_be_due || !self.is_due(), "{input:?} made something due at once: {:?}", self.line);
            }
        }
        self.check_deadline();
    }

    fn pings_on(&self, kind: IdleKind) -> bool {
        self.settings.ping.is_some_and(|(on, _)| on == kind)
    }

    fn is_due(&self) -> bool {
        self.line.deadline().is_some_and(|due| due <= self.now)
    }

    fn report(&mut self, input: Input) {
        let now = self.now;
        match input {
            Input::Read => self.read(),
            Input::Write => {
                self.line.on_write(now);
                self.said = now;
            }
            Input::PeerPing => {
                self.read();
                self.peer_ping();
            }
            Input::BarePong => self.pong(None),
            Input::Pong(before) => {
                let last = self.pinged.map_or(0, |(_, nonce)| nonce);
                self.pong(Some(last.wrapping_sub(u32::from(before))));
            }
            Input::Pause => {
                self.line.pause(now);
                self.paused = true;
                self.waited |= !self.closed;
            }
            Input::Resume => {
                self.line.resume(now);
                if core::mem::take(&mut self.paused) {
                    self.start_anew();
                    self.frame = self.frame.map(|_| now);
                }
            }
            Input::FrameBegin(announced) => {
                self.line.on_frame_begin(now, announced);
                self.frame = Some(now);
            }
            Input::FrameBytes(count) => {
                self.read();
                self.line.on_frame_bytes(now, count);
            }
            Input::FrameEnd => {
                self.line.on_frame_end(now);
                self.frame = None;
            }
            Input::Terms(settings) => {
                self.line.set_terms(now, Arc::new(settings.heartbeat()));
                self.settings = settings;
                self.said = now;
                self.peer_pinged = None;
                self.start_anew();
            }
            Input::Wake | Input::Fire => {}
        }
    }

    fn read(&mut self) {
        self.line.on_read(self.now);
        self.idle = None;
        self.start_anew();
    }

    fn peer_ping(&mut self) {
        let since = self.peer_pinged.replace(self.now).map_or(Duration::MAX, |last| self.now.since(last));
        self.hurried += u32::from(self.settings.flood.is_some_and(|(gap, _)| since < gap));
        match self.line.on_ping(self.now) {
            Action::None => {}
            Action::Close(Reason::TooManyPings) => {
                let (_, strikes) = self.settings.flood.expect("no flood without a gap");
                assert!(self.hurried > u32::from(strikes), "closed after {} early pings", self.hurried);
                assert!(!self.closed, "closed twice: {:?}", self.line);
                self.closed = true;
            }
            other => panic!("{other:?} for a ping"),
        }
    }

    fn start_anew(&mut self) {
        self.life = self.now;
        self.probes = 0;
        self.suspected = false;
        self.idle = self.idle.map(|_| self.now);
    }

    fn pong(&mut self, nonce: Option<u32>) {
        self.read();
        let before = self.line.unanswered();
        let round_trip = self.line.on_pong(self.now, nonce);
        assert!(self.line.unanswered() <= before);
        if let Some(round_trip) = round_trip {
            let (sent, last) = self.pinged.expect("no round trip without a ping");
            assert!(!self.waited, "a round trip over a pause");
            assert_eq!(round_trip, self.now.since(sent));
            assert!(nonce.map_or(before == 1, |nonce| nonce == last), "not the answer to the last ping");
            assert_eq!(self.line.unanswered(), 0);
        }
    }

    /// Wakes the line, and again while something is due.
    fn wake(&mut self) {
        for _ in 0..8 {
            let due = self.line.deadline();
            let action = self.line.on_timeout(self.now);
            if action == Action::None {
                assert!(!self.is_due(), "nothing done, and still due: {:?}", self.line);
            } else {
                assert!(due.is_some_and(|due| due <= self.now), "{action:?} before {due:?}, at {:?}", self.now);
                assert!(!self.closed, "{action:?} of {:?}", self.line);
            }
            if self.paused {
                self.wait(action);
            } else if due.is_some_and(|due| self.now.since(due) > STALL) {
                self.stalled(action);
            } else {
                self.judge(action);
            }
            if !self.is_due() {
                return;
            }
        }
        panic!("always something due at {:?}: {:?}", self.now, self.line);
    }

    /// While reads are paused there is no verdict; all that may come is a ping, when nothing else was said.
    fn wait(&mut self, action: Action) {
        match action {
            Action::None => {}
            Action::Ping(nonce) => {
                assert!(self.is_mute(), "pinged in a pause, {} after the last write", self.now.since(self.said));
                self.ping(nonce);
            }
            other => panic!("{other:?} in a pause"),
        }
    }

    /// Whether nothing was written for one and a half ping intervals.
    fn is_mute(&self) -> bool {
        self.mute_at().is_some_and(|at| at - self.early() <= self.now)
    }

    /// How early a ping may be: only the first of all is spread.
    fn early(&self) -> Duration {
        let spread = self.settings.ping.filter(|_| self.settings.spread && self.pinged.is_none());
        spread.map_or(Duration::ZERO, |(_, after)| Duration::from_nanos(after.as_nanos() / 2))
    }

    fn mute_at(&self) -> Option<Instant> {
        self.settings.ping.map(|(_, after)| self.said + after + Duration::from_nanos(after.as_nanos() / 2))
    }

    /// After a stall of our own there is a fresh probe at most.
    fn stalled(&mut self, action: Action) {
        self.start_anew();
        self.frame = self.frame.map(|_| self.now);
        match action {
            Action::None => assert!(self.settings.ping.is_none(), "no fresh probe after a stall"),
            Action::Ping(nonce) => self.ping(nonce),
            other => panic!("{other:?} right after a stall"),
        }
    }

    /// What must have come before each action.
    fn judge(&mut self, action: Action) {
        let (now, silent_for) = (self.now, self.now.since(self.life));
        let pong = self.settings.pong;
        let since_ping = self.pinged.map_or(Duration::MAX, |(sent, _)| now.since(sent));
        match action {
            Action::None => {}
            Action::Ping(nonce) => {
                let (_, after) = self.settings.ping.expect("no ping without an interval");
                let gap = pong.filter(|_| self.probes > 0).unwrap_or(after);
                assert!(since_ping >= gap, "pings {since_ping} apart");
                let early = self.early();
                let quiet = self.probes > 0 || self.pings_on(IdleKind::Writer) || silent_for >= after.less(early);
                assert!(quiet || self.is_mute(), "pinged after {silent_for}");
                self.ping(nonce);
            }
            Action::Suspect => {
                let pong = pong.expect("no suspicion without a deadline");
                assert!(
                    self.probes > 0 && !core::mem::replace(&mut self.suspected, true),
                    "suspected twice, or unasked"
                );
                assert!(since_ping.times(2) >= pong.less(Duration::from_nanos(1)), "suspected after {since_ping}");
            }
            Action::Idle(IdleEvent { kind, first }) => {
                let limit = self.settings.silence.expect("no idle event without a limit");
                let since = now.since(self.idle.unwrap_or(self.life));
                assert!(since >= limit, "idle after {since}");
                assert_eq!((kind, first), (IdleKind::Reader, self.idle.is_none()));
                self.idle = Some(now);
            }
            Action::Close(Reason::Silent) => {
                let pong = pong.expect("no verdict without a deadline");
                assert!(since_ping >= pong, "closed {since_ping} after the probe");
                assert_eq!(self.probes, u16::from(self.settings.missed) + 1, "each allowed miss is asked for");
                self.closed = true;
            }
            Action::Close(Reason::FrameTimeout) => {
                let begun = self.frame.expect("no frame timeout without a frame");
                assert!(now.since(begun) >= FRAME_WITHIN, "frame closed after {}", now.since(begun));
                self.closed = true;
            }
            Action::Close(other) => panic!("closed as {other}"),
        }
    }

    fn ping(&mut self, nonce: u32) {
        assert_ne!(self.pinged.map(|(_, nonce)| nonce), Some(nonce), "the same nonce twice in a row");
        self.pinged = Some((self.now, nonce));
        self.said = self.now;
        self.waited = self.paused;
        self.probes += 1;
        // Not reported as written in every case: a driver's socket may be full.
        if nonce.is_multiple_of(2) {
            self.line.on_write(self.now);
        }
    }

    /// The deadline is the very moment at which a wake does something: not before it, and not in vain.
    fn check_deadline(&self) {
        let Some(due) = self.line.deadline() else {
            assert!(self.closed || self.settings.ping.is_none(), "mute for ever: {:?}", self.line);
            let year = Duration::from_secs(31_536_000);
            assert_eq!(self.line.clone().on_timeout(self.now + year), Action::None, "no deadline, but an action");
            return;
        };
        assert!(!self.closed, "a deadline of {:?}", self.line);
        match self.mute_at() {
            Some(mute) => assert!(due <= mute, "mute for too long: {:?}", self.line),
            None => assert!(!self.paused, "a deadline in a pause of {:?}", self.line),
        }
        if due <= self.now {
            return;
        }
        let mut early = self.line.clone();
        assert_eq!(early.on_timeout(due - Duration::from_nanos(1)), Action::None, "before its time");
        assert_eq!(early.deadline(), Some(due), "a wake before its time changes nothing");
        let mut in_time = self.line.clone();
        let acted = in_time.on_timeout(due) != Action::None;
        assert!(acted || in_time.deadline().is_none_or(|next| next > due), "woken in vain: {:?}", self.line);
    }
}
