//! Idle against a naive model that moves its alarms at every input, and against what must hold for any driver.

mod model;

use keepline_proto::liveness::{IdleKind, IdleSettings};
use keepline_proto::{Duration, Instant};
use proptest::prelude::*;

use self::model::{Model, counts};
use crate::idle::rig::{Rig, Step, Told};

/// Small numbers, so that things often happen in the same instant.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0_u64..9).prop_map(|millis| Step::Adv(Duration::from_millis(millis))),
        1 => Just(Step::Adv(Duration::from_millis(60))),
        2 => Just(Step::Read),
        1 => Just(Step::ReadBegin),
        1 => Just(Step::ReadEnd),
        2 => Just(Step::Write),
        1 => Just(Step::TouchRead),
        1 => Just(Step::TouchWrite),
        2 => (1_u64..4).prop_map(Step::Hold),
        1 => Just(Step::Take),
        3 => Just(Step::Part(1)),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
    ];
    prop::collection::vec(step, 1..80)
}

fn settings() -> impl Strategy<Value = IdleSettings> {
    let period = || (0_u64..7).prop_map(Duration::from_millis);
    (period(), period(), period())
        .prop_map(|(reader, writer, all)| IdleSettings::new().reader(reader).writer(writer).all(all))
}

/// Observed output, but never by both writer and all: which of them takes a sign that they share hangs on when their
/// clocks were armed, and the model has none. `idle::output` has that case.
fn observing() -> impl Strategy<Value = IdleSettings> {
    (settings(), any::<bool>()).prop_map(|(settings, writer)| {
        let settings = settings.observe_output();
        if writer { settings.all(Duration::ZERO) } else { settings.writer(Duration::ZERO) }
    })
}

/// Wakes the detector exactly at each of its deadlines; gives what was told, ordered by time and kind.
fn on_time(rig: &mut Rig, steps: &[Step]) -> (Vec<Told>, Vec<Instant>) {
    let (mut told, mut wakes) = (Vec::new(), Vec::new());
    for step in steps {
        let Step::Adv(span) = step else {
            rig.act(*step);
            continue;
        };
        let end = rig.now + *span;
        while let Some(due) = rig.idle.deadline().filter(|due| *due <= end) {
            assert!(due >= rig.now, "a deadline in the past after everything due was asked for");
            rig.now = due;
            wakes.push(due);
            told.extend(rig.run_timers());
        }
        rig.now = end;
    }
    told.sort_by_key(|told| (told.at, told.event.kind));
    (told, wakes)
}

proptest! {
    // 256 cases, or as many as PROPTEST_CASES says. A failure prints the shortest steps that show it.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Looking only when a clock comes due tells the same at the same times as moving an alarm at every input.
    #[test]
    fn lazy_clocks_tell_what_eager_alarms_tell(
        settings in prop_oneof![settings(), observing()],
        steps in steps(),
    ) {
        let mut rig = Rig::new(settings);
        let (told, _) = on_time(&mut rig, &steps);
        prop_assert_eq!(told, Model::new(settings).run(&steps));
    }

    /// A driver may come as late as it likes: no event is early, none is lost, each is rightly a first one or not.
    #[test]
    fn never_early_however_late_the_driver(settings in settings(), steps in steps()) {
        let mut rig = Rig::new(settings);
        let mut witness = Witness::new(settings);
        // The witness keeps no queue.
        for step in steps.into_iter().filter(|step| !matches!(step, Step::Hold(_) | Step::Take | Step::Part(_))) {
            let Step::Adv(span) = step else {
                rig.act(step);
                witness.act(step, rig.now);
                continue;
            };
            rig.now = rig.now + span;
            for told in rig.run_timers() {
                witness.event(told)?;
            }
            witness.nothing_is_overdue(rig.now)?;
        }
    }

    /// The cost of a clock: at most two looks a period, whatever happens.
    #[test]
    fn at_most_two_looks_a_period(millis in 1_u64..7, kind in 0_usize..3, steps in steps()) {
        let period = Duration::from_millis(millis);
        let settings = IdleSettings::new();
        let settings = [settings.reader(period), settings.writer(period), settings.all(period)][kind];
        let (_, wakes) = on_time(&mut Rig::new(settings), &steps);
        for looks in wakes.windows(3) {
            prop_assert!(looks[2].since(looks[0]) >= period, "three looks within {period}: {looks:?}");
        }
    }
}

/// What an onlooker knows of each kind, with no clocks at all.
struct Witness {
    kinds: Vec<Seen>,
    reading: bool,
    paused: bool,
}

struct Seen {
    kind: IdleKind,
    period: Duration,
    /// The last thing from which a full period has to pass.
    since: Instant,
    active: bool,
}

impl Witness {
    fn new(settings: IdleSettings) -> Self {
        let seen = |kind| Some(Seen { kind, period: settings.period(kind)?, since: Instant::START, active: true });
        Self { kinds: IdleKind::ALL.into_iter().filter_map(seen).collect(), reading: false, paused: false }
    }

    fn act(&mut self, step: Step, now: Instant) {
        let ends = matches!(step, Step::ReadEnd) && self.reading || matches!(step, Step::Read | Step::TouchRead);
        let resumes = matches!(step, Step::Resume) && self.paused;
        match step {
            Step::ReadBegin => self.reading = true,
            Step::Read | Step::ReadEnd | Step::TouchRead => self.reading = false,
            Step::Pause => self.paused = true,
            Step::Resume => self.paused = false,
            _ => {}
        }
        for seen in &mut self.kinds {
            let read = seen.kind != IdleKind::Writer;
            let written = seen.kind != IdleKind::Reader;
            let moves = match step {
                Step::Write | Step::TouchWrite => written,
                _ => read && (ends || resumes),
            };
            if moves {
                seen.since = now;
            }
            seen.active |= counts(step, seen.kind);
        }
    }

    fn event(&mut self, told: Told) -> Result<(), TestCaseError> {
        let blind = self.blind(told.event.kind);
        let seen = self.kinds.iter_mut().find(|seen| seen.kind == told.event.kind);
        let seen = seen.ok_or_else(|| TestCaseError::fail(format!("{told:?} of a kind that is off")))?;
        prop_assert!(!blind, "{:?} while reads tell nothing", told);
        prop_assert!(told.at.since(seen.since) >= seen.period, "early: {:?}, quiet since {:?}", told, seen.since);
        prop_assert_eq!(told.event.first, seen.active, "{:?}", told);
        (seen.since, seen.active) = (told.at, false);
        Ok(())
    }

    fn nothing_is_overdue(&self, now: Instant) -> Result<(), TestCaseError> {
        for seen in self.kinds.iter().filter(|seen| !self.blind(seen.kind)) {
            let quiet = now.since(seen.since);
            prop_assert!(quiet < seen.period, "{} quiet for {quiet} at {now:?} and nothing told", seen.kind);
        }
        Ok(())
    }

    fn blind(&self, kind: IdleKind) -> bool {
        kind != IdleKind::Writer && (self.reading || self.paused)
    }
}
