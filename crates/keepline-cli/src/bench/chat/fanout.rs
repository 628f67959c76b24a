//! `bench fanout`: what a server spends on each delivery when one says something to many, one by one and in bursts.
//!
//! A closed loop with one burst under way: the next follows when every member has the last. So each server works at the
//! pace that it can hold, and none is measured while it drops.

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
        proc::cpu::Meter,
        progress::Progress,
        stats::{Latencies, each, float, micros, millis},
    },
    host::{Brand, Host},
    mqtt::Mqtt,
    nats::Nats,
    speech::{Heard, Publish},
    stage::Stage,
    swarm::{GENTLY, Happening, Swarm, still_there},
    v1::V1,
};

static ONE: Figure = Figure { key: "cpu_us_per_delivery", title: "CPU us/delivery", digits: 2, fold: Fold::Median };
static ONE_P50: Figure =
    Figure { key: "all_have_it_p50_ms", title: "all have it p50 ms", digits: 1, fold: Fold::Median };
static ONE_P99: Figure = Figure { key: "all_have_it_p99_ms", title: "p99 ms", digits: 1, fold: Fold::Median };
static BURST: Figure =
    Figure { key: "burst_cpu_us_per_delivery", title: "burst: CPU us/delivery", digits: 2, fold: Fold::Median };
static BURST_P50: Figure =
    Figure { key: "burst_all_have_it_p50_ms", title: "burst p50 ms", digits: 1, fold: Fold::Median };
static BURST_P99: Figure =
    Figure { key: "burst_all_have_it_p99_ms", title: "burst p99 ms", digits: 1, fold: Fold::Median };
static DELIVERIES: Figure = Figure { key: "deliveries", title: "deliveries", digits: 0, fold: Fold::Sum };
static LOST: Figure = Figure { key: "lost", title: "lost", digits: 0, fold: Fold::Sum };
static TWICE: Figure = Figure { key: "duplicate", title: "duplicate", digits: 0, fold: Fold::Sum };

const FOOTNOTE: &str = "keepline syncs each burst to the disk before it delivers, and its members acknowledge: one ack \
                        for what a read brought, which the server reads and stores. mosquitto (QoS 0) and nats-server \
                        (core) do neither.";

/// How long a burst may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fanout {
    /// How many hear it.
    pub(crate) members: usize,
    /// Messages of a burst.
    pub(crate) burst: usize,
    /// Bytes of a message's body.
    pub(crate) size: usize,
    /// How long each of the two is measured.
    pub(crate) duration: Duration,
    /// The same load before that.
    pub(crate) warmup: Duration,
}

/// The figures of one manner of speaking.
struct Spoken {
    deliveries: u64,
    used: Result<super::super::proc::cpu::Used, String>,
    latencies: Latencies,
}

/// What every member has heard.
struct Audience {
    /// By member: the next number.
    next: Vec<u64>,
    heard: u64,
    lost: u64,
    twice: u64,
}

impl Fanout {
    /// Runs the contest.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn run(&self, stage: &Stage) -> Result<Report, Error> {
        machine::make_room(self.members + 1)?;
        let settings = json!({
            "members": self.members,
            "burst": self.burst,
            "body_bytes": self.size,
            "duration_ms": self.duration.as_millis(),
            "warmup_ms": self.warmup.as_millis(),
            "loop": "closed, one burst under way",
        });
        let settings = settings.as_object().cloned().unwrap_or_default();
        let mut report = stage.perform("fanout", settings, |brand, folder| self.once(stage, brand, folder))?;
        report.footnote = Some(format!("{FOOTNOTE}\n{}", report.footnote.unwrap_or_default()));
        Ok(report)
    }

    fn once(&self, stage: &Stage, brand: Brand, folder: &Path) -> Result<Round, Error> {
        let members = self.members;
        match brand {
            Brand::Keepline(_) => {
                let gather = |town: &super::town::Town, host: &Host| town.gather(host.api()?, &stage.deadline);
                let (town, group) = stage.populate(members, folder, gather)?;
                let speech = V1 { tokens: &town.tokens, group };
                self.play(stage, &stage.start(brand, folder)?, brand, speech)
            }
            Brand::Mosquitto => self.play(stage, &stage.start(brand, folder)?, brand, Mqtt { members }),
            Brand::Nats => self.play(stage, &stage.start(brand, folder)?, brand, Nats { members }),
        }
    }

    fn play<S: Publish>(&self, stage: &Stage, host: &Host, brand: Brand, speech: S) -> Result<Round, Error> {
        let cast = S::cast(self.members);
        let mut swarm = Swarm::new(host.addr, speech)?;
        let progress = Progress::new(&format!("{}: members", brand.label()), cast.connections as u64);
        swarm.rise(cast.connections, GENTLY, &stage.deadline, &progress)?;
        let mut audience = Audience { next: vec![0; self.members], heard: 0, lost: 0, twice: 0 };
        let mut round = Round::default();
        for (burst, cpu, p50, p99) in [(1, &ONE, &ONE_P50, &ONE_P99), (self.burst, &BURST, &BURST_P50, &BURST_P99)] {
            self.speak(&mut swarm, &mut audience, burst, self.warmup, stage, host)?;
            let spoken = self.speak(&mut swarm, &mut audience, burst, self.duration, stage, host)?;
            match spoken.used {
                Ok(used) => round.measures.push(cpu.of(each(micros(used.total), spoken.deliveries))),
                Err(note) => round.notes.push(note),
            }
            round.measures.push(p50.of(millis(spoken.latencies.quantile(0.5))));
            round.measures.push(p99.of(millis(spoken.latencies.quantile(0.99))));
        }
        let Audience { heard, lost, twice, .. } = audience;
        round.measures.extend([DELIVERIES.of(float(heard)), LOST.of(float(lost)), TWICE.of(float(twice))]);
        if lost + twice > 0 {
            round.faults.push(format!("{lost} deliveries were lost and {twice} came twice"));
        }
        Ok(round)
    }

    /// Bursts one after the other for so long.
    fn speak<S: Publish>(
        &self,
        swarm: &mut Swarm<S>,
        audience: &mut Audience,
        burst: usize,
        duration: Duration,
        stage: &Stage,
        host: &Host,
    ) -> Result<Spoken, Error> {
        let publisher = S::cast(self.members).publisher;
        let (meter, begin, before) = (Meter::start(Some(host.pid())), Instant::now(), audience.heard);
        let mut latencies = Latencies::new();
        let mut body = vec![0; self.size.max(8)];
        while begin.elapsed() < duration {
            let (first, spoken_at) = (audience.said(), Instant::now());
            let until = first + burst as u64;
            swarm.say(publisher, |speech, out| {
                for number in first..until {
                    body[..8].copy_from_slice(&number.to_be_bytes());
                    speech.publish(number, &body, out);
                }
            })?;
            let mut all_have_it = spoken_at;
            while audience.next.iter().any(|next| *next < until) {
                let before = audience.heard;
                let now = swarm.turn(Duration::from_millis(50), |id, happening, at, _| {
                    if let Happening::Heard(Heard::Message(message)) = &happening {
                        audience.hear(id, &message.body);
                        all_have_it = at;
                    }
                    still_there(id, happening)
                })?;
                stage.deadline.check(now, "members hear a burst")?;
                if audience.heard == before && spoken_at.elapsed() > PATIENCE {
                    audience.give_up(until);
                }
            }
            latencies.record(all_have_it - spoken_at);
        }
        Ok(Spoken { deliveries: audience.heard - before, used: meter.stop(), latencies })
    }
}

impl Audience {
    /// How many messages were said: every member has them all.
    fn said(&self) -> u64 {
        self.next.first().copied().unwrap_or_default()
    }

    /// A member hears a message; its body begins with its number.
    fn hear(&mut self, id: usize, body: &[u8]) {
        let number = body.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        let (Some(next), Some(number)) = (self.next.get_mut(id), number) else { return };
        self.heard += 1;
        if number < *next {
            self.twice += 1;
        } else {
            self.lost += number - *next;
            *next = number + 1;
        }
    }

    /// What has not come by now is lost.
    fn give_up(&mut self, until: u64) {
        for next in &mut self.next {
            self.lost += until - *next;
            *next = until;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_and_what_comes_twice_is_counted() {
        let mut audience = Audience { next: vec![0; 2], heard: 0, lost: 0, twice: 0 };
        for (member, number) in [(0, 0_u64), (0, 1), (0, 1), (1, 0), (1, 2)] {
            audience.hear(member, &number.to_be_bytes());
        }
        assert_eq!((audience.heard, audience.lost, audience.twice), (5, 1, 1));
        audience.hear(2, &[0; 8]);
        assert_eq!(audience.heard, 5, "nobody's");
        audience.give_up(4);
        assert_eq!((audience.lost, audience.said()), (4, 4), "two of one, one of the other");
    }
}
