//! Joins, leaves and takeovers have a beginning and an answer: what happens between is given the benefit of the doubt.

use keepline_check::{BodyHash, MessageId, Op, Phase, Record};

use crate::{check, red};

const CONV: &str = "g.team";
const ID: MessageId = MessageId(5);
const BODY: BodyHash = BodyHash(5);

fn ann(at: u64, op: Op, phase: Phase) -> Record {
    Record::new(op, phase).at(at, 0).by("p1", "ann", "phone").session(1)
}

fn bob(at: u64, op: Op, phase: Phase) -> Record {
    Record::new(op, phase).at(at, 0).by("p2", "bob", "phone").session(2)
}

fn bob_member(at: u64, op: Op, phase: Phase) -> Record {
    bob(at, op, phase).conv(CONV)
}

/// Ann sends at 100 and is answered at 110; the rest is the case's. Everybody has caught up at the end.
fn history(case: &[Record]) -> Vec<Record> {
    let mut records = vec![
        ann(1, Op::Join, Phase::Invoke).conv(CONV),
        ann(2, Op::Join, Phase::Ok).conv(CONV),
        ann(3, Op::Login, Phase::Ok),
        bob(3, Op::Login, Phase::Ok),
        ann(100, Op::Send, Phase::Invoke).message(CONV, ID).body(BODY),
        ann(110, Op::Send, Phase::Ok).message(CONV, ID).seq(1),
        ann(900, Op::Drain, Phase::Ok),
        bob(900, Op::Drain, Phase::Ok),
    ];
    records.extend_from_slice(case);
    records.sort_by_key(|record| record.mono);
    records
}

fn bob_takes(at: u64) -> Record {
    bob(at, Op::Deliver, Phase::Ok).message(CONV, ID).seq(1).body(BODY)
}

#[test]
fn who_may_take_a_message_and_who_must() {
    let join = |invoke, ok| [bob_member(invoke, Op::Join, Phase::Invoke), bob_member(ok, Op::Join, Phase::Ok)];
    let leave = |invoke, ok| [bob_member(invoke, Op::Leave, Phase::Invoke), bob_member(ok, Op::Leave, Phase::Ok)];
    let refused = [bob_member(50, Op::Join, Phase::Invoke), bob_member(55, Op::Join, Phase::Fail)];
    let unsure = [bob_member(10, Op::Join, Phase::Invoke), bob_member(15, Op::Join, Phase::Info)];
    let table: [(&str, Vec<Record>, &[&str]); 15] = [
        ("a refused join", [&refused[..], &[bob_takes(120)]].concat(), &["leak"]),
        ("refused, as a member already", [&join(10, 20)[..], &refused, &[bob_takes(120)]].concat(), &[]),
        ("refused after one without an answer", [&unsure[..], &refused, &[bob_takes(120)]].concat(), &[]),
        ("a member has it", [&join(10, 20)[..], &[bob_takes(120)]].concat(), &[]),
        ("a member does not", join(10, 20).to_vec(), &["lost"]),
        ("never a member", vec![bob_takes(120)], &["leak"]),
        ("never a member, and has nothing", vec![], &[]),
        ("gone before it was sent", [&join(10, 20)[..], &leave(30, 40), &[bob_takes(120)]].concat(), &["leak"]),
        ("gone before, and has nothing", [&join(10, 20)[..], &leave(30, 40)].concat(), &[]),
        ("leaving while it was sent", [&join(10, 20)[..], &leave(90, 105), &[bob_takes(120)]].concat(), &[]),
        ("gone while it was on its way", [&join(10, 20)[..], &leave(112, 115), &[bob_takes(120)]].concat(), &[]),
        ("joined after, and reads history", [&join(112, 115)[..], &[bob_takes(120)]].concat(), &[]),
        ("joined after, and does not", join(112, 115).to_vec(), &[]),
        ("joining while it was sent", join(90, 105).to_vec(), &[]),
        ("a join without an answer", vec![bob_member(10, Op::Join, Phase::Invoke), bob_takes(120)], &[]),
    ];
    for (name, case, expected) in table {
        let report = check(&history(&case));
        assert_eq!(red(&report), expected, "{name}:\n{report}");
    }
}

#[test]
fn a_new_device_must_have_what_was_sent_after_its_first_login() {
    let tablet = |at, op, phase| Record::new(op, phase).at(at, 0).by("p3", "ann", "tablet").session(9);
    for (login, expected) in [(50, &["lost"][..]), (105, &[])] {
        let case = [tablet(login, Op::Login, Phase::Ok), tablet(900, Op::Drain, Phase::Ok)];
        assert_eq!(red(&check(&history(&case))), expected, "login answered at {login}");
    }
}

#[test]
fn what_is_told_as_gone_must_have_been_dropped_by_retention() {
    let join = [bob_member(10, Op::Join, Phase::Invoke), bob_member(20, Op::Join, Phase::Ok)];
    let told = |from, to| bob(120, Op::Gap, Phase::Info).conv(CONV).seq(from).to(to);
    let again = |at| told(1, 1).at(at, 0);
    let by = |at, op| Record::new(op, Phase::Ok).at(at, 0).by("reader", "", "");
    let dropped = |at, through| by(at, Op::Drop).conv(CONV).seq(through);
    let (empty, found) = (by(901, Op::Read).conv(CONV), by(901, Op::Read).message(CONV, ID).seq(1).body(BODY));
    let table: [(&str, Vec<Record>, &[&str]); 10] = [
        ("dropped, told, and gone", vec![dropped(115, 1), told(1, 1), empty.clone()], &[]),
        ("and told again", vec![dropped(115, 1), told(1, 1), again(130), empty.clone()], &[]),
        ("dropped, and nobody told", vec![dropped(115, 1), empty.clone()], &["lost"]),
        ("told, not dropped, and gone", vec![told(1, 1), empty.clone()], &["lost", "false_gap"]),
        ("told, and there all the while", vec![told(1, 1), found.clone(), empty.clone()], &["false_gap"]),
        ("told before it was dropped", vec![told(1, 1), dropped(125, 1), again(130), empty.clone()], &["false_gap"]),
        ("told of more than was dropped", vec![dropped(115, 1), told(1, 2), empty.clone()], &["false_gap"]),
        ("it might have been dropped, and was not", vec![dropped(115, 1), told(1, 1), found, empty], &["false_gap"]),
        ("told, and nobody read the store", vec![told(1, 1)], &["false_gap"]),
        ("told of nothing", vec![told(2, 1), bob_takes(130)], &[]),
    ];
    for (name, case, expected) in table {
        let report = check(&history(&[&join[..], &case].concat()));
        assert_eq!(red(&report), expected, "{name}:\n{report}");
        let count: u64 = report.red().into_iter().map(|counter| report.count(counter)).sum();
        assert_eq!(count, expected.len() as u64, "{name}: one event, one count\n{report}");
    }
}

#[test]
fn an_old_session_is_a_zombie_only_for_what_it_began_after_the_new_one_was_open() {
    let login = |at, phase, session| Record::new(Op::Login, phase).at(at, 0).by("p4", "ann", "phone").session(session);
    let table: [(&str, &[Record], &[&str]); 5] = [
        ("opened before the send", &[login(50, Phase::Ok, 7)], &["zombie"]),
        ("opened between send and answer", &[login(105, Phase::Ok, 7)], &[]),
        ("begun before the send, open after", &[login(50, Phase::Invoke, 0), login(105, Phase::Ok, 7)], &[]),
        ("a later login with a lower number", &[login(50, Phase::Invoke, 0), login(60, Phase::Ok, 1)], &["zombie"]),
        ("logins at once, answered crosswise", &[login(2, Phase::Invoke, 0), login(60, Phase::Ok, 1)], &[]),
    ];
    for (name, case, expected) in table {
        let report = check(&history(case));
        assert_eq!(red(&report), expected, "{name}:\n{report}");
    }
}

#[test]
fn a_refusal_after_a_lost_answer_refuses_nothing() {
    let send = |at, phase| ann(at, Op::Send, phase).message(CONV, MessageId(6)).body(BodyHash(6));
    let join = [bob_member(10, Op::Join, Phase::Invoke), bob_member(20, Op::Join, Phase::Ok), bob_takes(120)];
    let seen = bob(300, Op::Deliver, Phase::Ok).message(CONV, MessageId(6)).seq(2).body(BodyHash(6));
    let lost_answer = [send(200, Phase::Invoke), send(210, Phase::Info)];
    let refusal = [send(220, Phase::Invoke), send(230, Phase::Fail)];
    let unsure = [&join[..], &lost_answer, &refusal, std::slice::from_ref(&seen)].concat();
    assert_eq!(red(&check(&history(&unsure))), Vec::<&str>::new());
    let sure = [&join[..], &refusal, &[seen]].concat();
    assert_eq!(red(&check(&history(&sure))), ["resurrected"]);
}
