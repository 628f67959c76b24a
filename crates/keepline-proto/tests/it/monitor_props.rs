//! Monitor: properties that hold for any order of inputs and any settings.

use std::sync::Arc;

use keepline_proto::liveness::{Action, Heartbeat, IdleKind, Monitor};
use keepline_proto::{Duration, Instant};
use proptest::prelude::*;

use super::corpus::monitor_ops::{self, Input, Settings};

fn settings() -> impl Strategy<Value = Settings> {
    any::<[u8; 4]>().prop_map(Settings::decode)
}

fn inputs() -> impl Strategy<Value = Vec<(Duration, Input)>> {
    let any_input = any::<[u8; 3]>().prop_map(monitor_ops::decode);
    let timer_on_time = Just((Duration::ZERO, Input::Fire));
    // Without enough timers that are left alone, few lines would come as far as a verdict.
    prop::collection::vec(prop_oneof![2 => any_input, 3 => timer_on_time], 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_order_of_inputs_breaks_a_rule(settings in settings(), inputs in inputs()) {
        monitor_ops::check(settings, &inputs);
    }

    #[test]
    fn any_bytes_can_be_replayed(data in prop::collection::vec(any::<u8>(), 0..400)) {
        monitor_ops::run(&data);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The wheel's bound: each two checks that found nothing to do lie further apart than the limit, so there are at
    /// most two in any such span, however many bytes come.
    #[test]
    fn a_lazy_timer_checks_a_watched_line_at_most_twice_a_limit(gaps in traffic(9999)) {
        let limit = Duration::from_secs(10);
        let checks = checks(Heartbeat::watch(limit).unwrap(), &gaps, &[], None);
        prop_assert!(most_in_any(limit, &checks) <= 2, "{checks:?}");
    }

    /// A probing line has three limits: the quiet before a ping, the suspicion, the deadline.
    #[test]
    fn a_lazy_timer_checks_a_probing_line_at_most_twice_for_each_limit(
        gaps in traffic(30_000), round_trip in 1_u64..5000, kind in kinds(),
    ) {
        let interval = Duration::from_secs(5);
        let heartbeat = Heartbeat::builder().ping(kind, interval).pong_within(interval).build().unwrap();
        let checks = checks(heartbeat, &gaps, &[], Some(Duration::from_millis(round_trip)));
        let in_vain: Vec<_> = checks.iter().filter(|(_, action)| *action == Action::None).copied().collect();
        prop_assert!(most_in_any(interval, &in_vain) <= 2, "{in_vain:?}");
        prop_assert!(most_in_any(interval, &checks) <= 6, "{checks:?}");
        prop_assert!(checks.iter().all(|(_, action)| !matches!(action, Action::Close(_))), "{checks:?}");
    }

    /// Both ends talk. Three limits are put off: the quiet before a ping, the silence that own writes may not prolong,
    /// and our own. Each may be looked at in vain twice in its time; together they are not, in so short a time (three was
    /// the most in many thousands of lines).
    #[test]
    fn own_writes_keep_a_lazy_timer_within_two_checks_for_each_limit(
        gaps in prop_oneof![traffic(900), traffic(9000)],
        writes in prop_oneof![traffic(900), traffic(9000)],
        kind in kinds(),
    ) {
        let interval = Duration::from_secs(5);
        let heartbeat = Heartbeat::builder().ping(kind, interval).pong_within(interval).build().unwrap();
        let checks = checks(heartbeat, &gaps, &writes, Some(Duration::from_millis(50)));
        let in_vain: Vec<_> = checks.iter().filter(|(_, action)| *action == Action::None).copied().collect();
        prop_assert!(most_in_any(interval, &in_vain) <= 4, "{in_vain:?}");
    }
}

fn kinds() -> impl Strategy<Value = IdleKind> {
    prop_oneof![Just(IdleKind::Reader), Just(IdleKind::Writer), Just(IdleKind::All)]
}

/// Gaps between bytes from the peer, in milliseconds: bursts, pauses, and both.
fn traffic(longest: u64) -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![1 => 0..10_u64, 1 => 0..=longest], 50..200)
}

/// Drives a line with one lazy timer that is only ever re-armed when it fires; when it was checked, and the outcome.
/// `gaps` lie between the bytes that it reads, `writes` between those that it writes, over and over.
fn checks(heartbeat: Heartbeat, gaps: &[u64], writes: &[u64], round_trip: Option<Duration>) -> Vec<(Instant, Action)> {
    let mut line = Monitor::new(Arc::new(heartbeat), Instant::START, 0);
    let mut armed = line.deadline().expect("something is watched");
    let mut pong: Option<Instant> = None;
    let mut checks = Vec::new();
    let mut next_byte = Instant::START;
    let mut writes = writes
        .iter()
        .cycle()
        .scan(Instant::START, |last, gap| {
            *last = *last + Duration::from_millis((*gap).max(1));
            Some(*last)
        })
        .peekable();
    for gap in gaps {
        next_byte = next_byte + Duration::from_millis(*gap);
        loop {
            let now = pong.unwrap_or(next_byte).min(next_byte).min(armed);
            if let Some(write) = writes.next_if(|write| *write <= now) {
                line.on_write(write);
            } else if pong == Some(now) {
                pong = None;
                line.on_read(now);
                line.on_pong(now, None);
            } else if now == next_byte {
                line.on_read(now);
                break;
            } else {
                let action = line.on_timeout(now);
                if let Action::Ping(_) = action {
                    line.on_write(now);
                    pong = round_trip.map(|round_trip| now + round_trip);
                }
                checks.push((now, action));
                assert!(checks.len() < 100_000, "no end of checks: {line:?}");
                armed = line.deadline().unwrap_or(Instant::START + Duration::MAX);
                assert!(action != Action::None || armed > now, "woken in vain: {line:?}");
            }
        }
    }
    checks
}

/// The most checks in any span of this length, its end excluded.
fn most_in_any(span: Duration, checks: &[(Instant, Action)]) -> usize {
    let inside = |from: Instant| checks.iter().filter(|(at, _)| *at >= from && *at < from + span).count();
    checks.iter().map(|(at, _)| inside(*at)).max().unwrap_or(0)
}
