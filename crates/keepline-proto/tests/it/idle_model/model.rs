//! Model: idle detection the obvious and costly way, an alarm for each kind that every input moves.

use keepline_proto::liveness::{IdleEvent, IdleKind, IdleSettings};
use keepline_proto::{Duration, Instant};

use crate::idle::rig::{Step, Told};

/// Whether this step makes the next event of this kind a first one. (A message that leaves the queue is up to the
/// model, which keeps the queue.)
pub(super) fn counts(step: Step, kind: IdleKind) -> bool {
    match step {
        Step::Read | Step::ReadBegin => kind != IdleKind::Writer,
        Step::Write => kind != IdleKind::Reader,
        _ => false,
    }
}

pub(super) struct Model {
    now: Instant,
    alarms: Vec<Alarm>,
    reading: bool,
    paused: bool,
    /// Bytes of each message, and how many of them were sent.
    queue: Vec<(u64, u64)>,
    /// Messages that have left.
    left: u64,
    /// Times that the write clock was moved.
    writes: u64,
    /// The signs of progress as last seen: writes, queue, progress of its head. None if not observed.
    seen: Option<[Sign; 3]>,
    told: Vec<Told>,
}

type Sign = (u64, u64);

struct Alarm {
    kind: IdleKind,
    period: Duration,
    /// None while it can't ring.
    at: Option<Instant>,
    first: bool,
}

impl Model {
    pub(super) fn new(settings: IdleSettings) -> Self {
        let alarm = |kind| {
            let period = settings.period(kind)?;
            Some(Alarm { kind, period, at: Some(Instant::START + period), first: true })
        };
        let mut model = Self {
            now: Instant::START,
            alarms: IdleKind::ALL.into_iter().filter_map(alarm).collect(),
            reading: false,
            paused: false,
            queue: Vec::new(),
            left: 0,
            writes: 0,
            seen: None,
            told: Vec::new(),
        };
        model.seen = settings.observes_output().then(|| model.signs());
        model
    }

    /// Everything told in these steps, ordered by time and kind.
    pub(super) fn run(mut self, steps: &[Step]) -> Vec<Told> {
        for step in steps {
            self.step(*step);
        }
        self.told
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Adv(span) => self.ring_until(self.now + span),
            Step::Read => {
                self.step(Step::ReadBegin);
                self.step(Step::ReadEnd);
            }
            Step::ReadBegin => {
                self.reading = true;
                self.move_alarms(|kind| kind != IdleKind::Writer);
            }
            Step::ReadEnd if !self.reading => {}
            Step::ReadEnd | Step::TouchRead => {
                self.reading = false;
                self.move_alarms(|kind| kind != IdleKind::Writer);
            }
            Step::Write | Step::TouchWrite => {
                self.writes += 1;
                self.move_alarms(|kind| kind != IdleKind::Reader);
            }
            Step::Pause => {
                self.paused = true;
                self.move_alarms(|kind| kind != IdleKind::Writer);
            }
            Step::Resume if !self.paused => {}
            Step::Resume => {
                self.paused = false;
                self.move_alarms(|kind| kind != IdleKind::Writer);
            }
            Step::Hold(bytes) => self.queue.push((bytes, 0)),
            Step::Take => self.send(u64::MAX),
            Step::Part(bytes) => self.send(bytes),
            Step::Stop => self.alarms.clear(),
        }
        for alarm in &mut self.alarms {
            alarm.first |= counts(step, alarm.kind);
        }
    }

    /// From now on a full period, or no alarm while reads tell nothing.
    fn move_alarms(&mut self, concerns: impl Fn(IdleKind) -> bool) {
        let blind = self.reading || self.paused;
        for alarm in self.alarms.iter_mut().filter(|alarm| concerns(alarm.kind)) {
            let rings = alarm.kind == IdleKind::Writer || !blind;
            alarm.at = rings.then(|| self.now + alarm.period);
        }
    }

    fn send(&mut self, bytes: u64) {
        let Some((size, sent)) = self.queue.first_mut() else { return };
        *sent = sent.saturating_add(bytes).min(*size);
        if sent == size {
            self.queue.remove(0);
            self.left += 1;
            self.step(Step::Write);
        }
    }

    /// Steps through time by the smallest span that any period has.
    fn ring_until(&mut self, end: Instant) {
        loop {
            for index in 0..self.alarms.len() {
                if self.alarms[index].at == Some(self.now) {
                    self.ring(index);
                }
            }
            if self.now == end {
                return;
            }
            self.now = self.now + IdleSettings::FLOOR;
        }
    }

    fn ring(&mut self, index: usize) {
        let alarm = &mut self.alarms[index];
        alarm.at = Some(self.now + alarm.period);
        let first = core::mem::take(&mut alarm.first);
        let kind = alarm.kind;
        if kind != IdleKind::Reader && self.progressed(first) {
            return;
        }
        self.told.push(Told { at: self.now, event: IdleEvent { kind, first } });
    }

    fn progressed(&mut self, first: bool) -> bool {
        let signs = self.signs();
        let Some(seen) = &mut self.seen else { return false };
        if first {
            *seen = signs;
            return false;
        }
        let moved = (0..3).find(|sign| seen[*sign] != signs[*sign]);
        moved.inspect(|sign| seen[*sign] = signs[*sign]).is_some()
    }

    fn signs(&self) -> [Sign; 3] {
        let head = if self.queue.is_empty() { 0 } else { self.left + 1 };
        let pending = self.queue.iter().map(|(bytes, _)| bytes).sum();
        let progress = self.queue.first().map_or(0, |(_, sent)| *sent);
        [(self.writes, 0), (head, pending), (progress, 0)]
    }
}
