//! Link: two Monitors and the network between them, event by event in virtual time, from a seed.

use std::collections::VecDeque;
use std::sync::Arc;

use keepline_proto::liveness::{Action, Heartbeat, Monitor};
use keepline_proto::{Duration, Instant};

/// A small deterministic generator: SplitMix64 (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From nothing up to, not including, `end`.
    pub(crate) fn below(&mut self, end: Duration) -> Duration {
        Duration::from_nanos(self.next() % end.as_nanos())
    }
}

const NEVER: Instant = Instant::from_nanos(u64::MAX);
/// One end of the line.
pub(crate) const CLIENT: usize = 0;
/// The other end.
pub(crate) const SERVER: usize = 1;

/// How the network and the applications behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Each way takes this long, and a random part of `jitter` more. The order is kept, as TCP keeps it.
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    /// One segment in so many is lost; its retransmission adds a second.
    pub(crate) loses_one_in: u64,
    /// Each end sends data after random gaps of up to this; `None`: never.
    pub(crate) talks_within: [Option<Duration>; 2],
    /// From this moment on nothing arrives any more.
    pub(crate) black_hole: Instant,
}

impl Weather {
    pub(crate) const FINE: Self = Self {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(200),
        loses_one_in: 100,
        talks_within: [None, None],
        black_hole: NEVER,
    };

    /// How long a segment that leaves now is on its way.
    pub(crate) fn transit(&self, rng: &mut Rng) -> Duration {
        let lost = rng.next().is_multiple_of(self.loses_one_in);
        let again = if lost { Duration::from_secs(1) } else { Duration::ZERO };
        self.delay + rng.below(self.jitter) + again
    }
}

#[derive(Clone, Copy, Debug)]
enum Segment {
    Ping(u32),
    Pong(u32),
    Data,
}

/// What became of one end.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) line: Monitor,
    /// When its last byte arrived.
    pub(crate) last_byte: Instant,
    pub(crate) pings: u64,
    /// The first action that ends a line, and when.
    pub(crate) ended: Option<(Instant, Action)>,
    inbox: VecDeque<(Instant, Segment)>,
    talks: Instant,
}

/// The line with its two ends.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) ends: [End; 2],
    weather: Weather,
    rng: Rng,
}

impl Link {
    pub(crate) fn new(client: &Arc<Heartbeat>, server: &Arc<Heartbeat>, weather: Weather, seed: u64) -> Self {
        let mut rng = Rng(seed);
        let end = |heartbeat: &Arc<Heartbeat>| End {
            line: Monitor::new(Arc::clone(heartbeat), Instant::START, seed),
            last_byte: Instant::START,
            pings: 0,
            ended: None,
            inbox: VecDeque::new(),
            talks: NEVER,
        };
        let mut ends = [end(client), end(server)];
        for (end, within) in ends.iter_mut().zip(weather.talks_within) {
            end.talks = within.map_or(end.talks, |within| Instant::START + rng.below(within));
        }
        Self { ends, weather, rng }
    }

    /// Plays until this moment, or until both ends have ended.
    pub(crate) fn play(&mut self, until: Instant) {
        while let Some((now, end)) = self.next_event().filter(|(now, _)| *now <= until) {
            let here = &mut self.ends[end];
            if here.inbox.front().is_some_and(|(at, _)| *at <= now) {
                let arrived = here.inbox.pop_front();
                arrived.into_iter().for_each(|(_, segment)| self.arrive(end, now, segment));
            } else if here.talks <= now {
                let within = self.weather.talks_within[end].expect("talks only if it may");
                self.ends[end].talks = now + self.rng.below(within);
                self.send(end, now, Segment::Data);
            } else {
                self.fire(end, now);
            }
        }
    }

    /// The next thing that happens to an end that is still there. What arrives comes before timers.
    fn next_event(&self) -> Option<(Instant, usize)> {
        let next = |end: &End| match end.ended {
            Some(_) => NEVER,
            None => {
                let arrival = end.inbox.front().map_or(NEVER, |(at, _)| *at);
                arrival.min(end.talks).min(end.line.deadline().unwrap_or(NEVER))
            }
        };
        let [client, server] = [next(&self.ends[CLIENT]), next(&self.ends[SERVER])];
        let first = if client <= server { (client, CLIENT) } else { (server, SERVER) };
        (first.0 < NEVER).then_some(first)
    }

    fn arrive(&mut self, end: usize, now: Instant, segment: Segment) {
        let here = &mut self.ends[end];
        here.last_byte = now;
        here.line.on_read(now);
        match segment {
            Segment::Ping(nonce) => {
                assert_eq!(here.line.on_ping(now), Action::None);
                self.send(end, now, Segment::Pong(nonce));
            }
            Segment::Pong(nonce) => {
                here.line.on_pong(now, Some(nonce));
            }
            Segment::Data => {}
        }
    }

    fn fire(&mut self, end: usize, now: Instant) {
        let here = &mut self.ends[end];
        match here.line.on_timeout(now) {
            Action::Ping(nonce) => {
                here.pings += 1;
                assert!(here.pings < 10_000, "no end of pings: {:?}", here.line);
                self.send(end, now, Segment::Ping(nonce));
            }
            action @ (Action::Idle(_) | Action::Close(_)) => here.ended = Some((now, action)),
            Action::None => assert!(here.line.deadline() > Some(now), "woken in vain: {:?}", here.line),
            Action::Suspect => {}
        }
    }

    fn send(&mut self, from: usize, now: Instant, segment: Segment) {
        self.ends[from].line.on_write(now);
        let arrival = now + self.weather.transit(&mut self.rng);
        let inbox = &mut self.ends[1 - from].inbox;
        let in_order = inbox.back().map_or(arrival, |(last, _)| arrival.max(*last));
        if in_order < self.weather.black_hole {
            inbox.push_back((in_order, segment));
        }
    }
}
