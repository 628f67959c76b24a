//! What was not looked at is unknown: void, never lost, and never green.

use keepline_check::{BodyHash, Counter, Expect, MessageId, Op, Phase, Record, Verdict};

use crate::history::good;
use crate::random::seed;
use crate::{check, check_expecting, red};

const CONV: &str = "p.ann.bob";
const ID: MessageId = MessageId(9);

fn ann(at: u64, op: Op, phase: Phase) -> Record {
    Record::new(op, phase).at(at, 0).by("p1", "ann", "phone").session(1)
}

/// One message, acknowledged, and no reader.
fn sent() -> Vec<Record> {
    vec![
        ann(0, Op::Join, Phase::Invoke).conv(CONV),
        ann(1, Op::Join, Phase::Ok).conv(CONV),
        ann(1, Op::Send, Phase::Invoke).message(CONV, ID).body(BodyHash::of(b"hi")),
        ann(2, Op::Send, Phase::Ok).message(CONV, ID).seq(1),
    ]
}

fn read(phase: Phase) -> Record {
    Record::new(Op::Read, phase).at(3, 0).by("reader", "", "").conv(CONV)
}

fn found() -> Record {
    Record::new(Op::Read, Phase::Ok).at(3, 0).by("reader", "", "").message(CONV, ID).seq(1).body(BodyHash::of(b"hi"))
}

fn reasons(verdict: Verdict) -> String {
    let Verdict::Void(reasons) = verdict else { panic!("not void: {verdict}") };
    reasons.join("; ")
}

#[test]
fn the_store_is_judged_only_when_it_was_read_to_its_end() {
    let table: [(&str, &[Record], &str); 7] = [
        ("nobody looked", &[], "VOID: 1 unverified"),
        ("found, and read to the end", &[found(), read(Phase::Ok)], "GREEN"),
        ("read to the end, and not found", &[read(Phase::Ok)], "RED"),
        ("the reading failed", &[read(Phase::Info)], "VOID: 1 unread"),
        ("it was refused", &[read(Phase::Fail)], "VOID: 1 unread"),
        ("it was done, and failed when done again", &[found(), read(Phase::Ok), read(Phase::Info)], "GREEN"),
        ("it failed, and was done again", &[read(Phase::Info), found(), read(Phase::Ok)], "GREEN"),
    ];
    for (name, readings, expected) in table {
        let report = check(&[&sent()[..], readings].concat());
        assert!(report.verdict().to_string().starts_with(expected), "{name}:\n{report}");
        assert_eq!(red(&report), if expected == "RED" { &["lost"][..] } else { &[] }, "{name}:\n{report}");
    }
}

#[test]
fn a_conversation_whose_members_nobody_noted_is_not_green() {
    let mut records = [&sent()[..], &[found(), read(Phase::Ok)]].concat();
    assert_eq!(check(&records).verdict(), Verdict::Green, "the control");
    records.retain(|record| record.op != Op::Join);
    let reason = reasons(check(&records).verdict());
    assert!(reason.contains("1 memberless"), "{reason}");
}

#[test]
fn a_message_whose_number_another_took_is_lost_unless_somebody_saw_it() {
    let other = MessageId(10);
    let by_other = |at, phase| ann(at, Op::Send, phase).message(CONV, other).seq(1).body(BodyHash(1));
    let found_other = Record::new(Op::Read, Phase::Ok).at(3, 0).message(CONV, other).seq(1).body(BodyHash(1));
    let history = [&sent()[..], &[by_other(2, Phase::Invoke), by_other(2, Phase::Ok), found_other]].concat();
    let never_seen = [&history[..], &[read(Phase::Ok)]].concat();
    assert_eq!(red(&check(&never_seen)), ["lost", "fork"]);
    let seen_too = [&history[..], &[found(), read(Phase::Ok)]].concat();
    assert_eq!(red(&check(&seen_too)), ["fork"]);
}

#[test]
fn a_good_history_without_its_readings_is_void_and_nothing_is_lost() {
    let mut records = good(seed(), 300);
    records.retain(|record| record.op != Op::Read || record.id.is_none());
    for record in records.iter_mut().filter(|record| record.op == Op::Read) {
        record.phase = Phase::Info;
    }
    let report = check(&records);
    assert!(report.red().is_empty(), "{report}");
    assert_eq!(report.count(Counter::Unread), 3, "{report}");
    assert!(matches!(report.verdict(), Verdict::Void(_)), "{report}");
}

#[test]
fn a_device_that_was_not_seen_to_catch_up_is_unknown() {
    let history = good(seed(), 300);
    let bobs = |record: &Record| record.user == "bob" && matches!(record.op, Op::Deliver | Op::Receive);
    let without: Vec<Record> = history.iter().filter(|record| !bobs(record)).cloned().collect();
    assert!(red(&check(&without)).contains(&"lost"), "the control: bob had caught up and has nothing");

    let bobs_end = |record: &&mut Record| record.user == "bob" && record.op == Op::Drain;
    let mut unknown = without.clone();
    unknown.iter_mut().filter(bobs_end).for_each(|record| record.phase = Phase::Info);
    let report = check(&unknown);
    assert!(report.red().is_empty(), "{report}");
    assert_eq!(report.count(Counter::Undrained), 1, "{report}");
    assert!(reasons(report.verdict()).contains("undrained"), "{report}");

    let mut left_behind = without;
    left_behind.iter_mut().filter(bobs_end).for_each(|record| record.phase = Phase::Fail);
    assert_eq!(check(&left_behind).verdict(), Verdict::Green, "bob was left behind on purpose");
}

#[test]
fn a_run_without_the_faults_it_was_made_for_is_void() {
    let mut all = Expect::default();
    (all.cut, all.info, all.redelivery) = (true, true, true);
    let history = good(seed(), 300);
    assert_eq!(check_expecting(&history, all).verdict(), Verdict::Green);

    let quiet = [&sent()[..], &[found(), read(Phase::Ok)]].concat();
    assert_eq!(check(&quiet).verdict(), Verdict::Green, "nobody asked for faults");
    let reason = reasons(check_expecting(&quiet, all).verdict());
    for part in ["no connection was cut", "no outcome was unknown", "no message was delivered again"] {
        assert!(reason.contains(part), "{reason}");
    }

    let mut one = Expect::default();
    one.cut = true;
    let cut = [&quiet[..], &[ann(4, Op::Cut, Phase::Info), ann(5, Op::Drain, Phase::Ok)]].concat();
    assert_eq!(check_expecting(&cut, one).verdict(), Verdict::Green, "a cut was asked for, and is there");
}

#[test]
fn an_empty_history_is_void() {
    assert!(reasons(check(&[]).verdict()).contains("no message was acknowledged"));
}

#[test]
fn a_broken_promise_is_red_even_where_something_was_not_looked_at() {
    let report = check(&[&sent()[..], &[read(Phase::Ok), ann(4, Op::Login, Phase::Ok)]].concat());
    assert_eq!(report.count(Counter::Undrained), 1, "{report}");
    assert_eq!(report.verdict(), Verdict::Red, "{report}");
}

#[test]
fn the_longest_stall_lies_between_the_first_send_and_the_last_answer() {
    let message = |at, phase, id| ann(at, Op::Send, phase).message(CONV, MessageId(id)).body(BodyHash(1)).seq(at);
    let records = [
        ann(10, Op::Login, Phase::Ok),
        message(1_000, Phase::Invoke, 1),
        message(1_300, Phase::Ok, 1),
        message(1_400, Phase::Invoke, 2),
        message(1_900, Phase::Ok, 2),
        ann(90_000, Op::Drain, Phase::Ok),
    ];
    assert_eq!(check(&records).totals().stall_ns, 600);
}

#[test]
fn a_record_that_lacks_a_field_is_refused_by_its_name() {
    let table = [
        (ann(1, Op::Send, Phase::Invoke), "conv"),
        (ann(1, Op::Send, Phase::Invoke).conv(CONV), "id"),
        (ann(1, Op::Send, Phase::Invoke).message(CONV, ID), "body_hash"),
        (ann(1, Op::Send, Phase::Ok).message(CONV, ID), "seq"),
        (ann(1, Op::Deliver, Phase::Ok).message(CONV, ID), "seq"),
        (ann(1, Op::Gap, Phase::Info).conv(CONV).seq(1), "to"),
        (ann(1, Op::Join, Phase::Ok), "conv"),
    ];
    for (record, field) in table {
        let refused = keepline_check::Checker::default().observe(&record);
        assert_eq!(refused.map_err(|malformed| malformed.field), Err(field), "{record:?}");
    }
}
