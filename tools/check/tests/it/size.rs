//! A long history: what is kept grows with the messages, and the time with the records.

use keepline_check::{BodyHash, Checker, MessageId, Op, Phase, Record, Verdict};

const MEMBERS: u64 = 50;

/// 1,000 messages to a group of 50: 102 thousand records; `KEEPLINE_LONG=1` makes it ten times that.
#[test]
fn a_long_history_is_judged() {
    let messages = if std::env::var("KEEPLINE_LONG").is_ok_and(|long| long == "1") { 10_000 } else { 1_000 };
    let mut checker = Checker::default();
    let mut at = 0;
    let mut observe = |record: Record| {
        at += 1;
        checker.observe(&record.at(at, at)).unwrap_or_else(|malformed| panic!("{malformed}"));
    };
    let by =
        |member: u64, op, phase| Record::new(op, phase).by("p", &format!("u{member}"), "phone").session(member + 1);
    for member in 0..MEMBERS {
        observe(by(member, Op::Join, Phase::Ok).conv("g.big"));
        observe(by(member, Op::Login, Phase::Ok));
    }
    for number in 1..=messages {
        let (id, sender) = (MessageId(u128::from(number)), number % MEMBERS);
        observe(by(sender, Op::Send, Phase::Invoke).message("g.big", id).body(BodyHash(number)));
        observe(by(sender, Op::Send, Phase::Ok).message("g.big", id).seq(number));
        for member in 0..MEMBERS {
            let seen = |op| by(member, op, Phase::Ok).message("g.big", id).seq(number).body(BodyHash(number));
            observe(seen(Op::Receive));
            observe(seen(Op::Deliver));
        }
    }
    for member in 0..MEMBERS {
        observe(by(member, Op::Drain, Phase::Ok));
    }
    let report = checker.finish();
    assert_eq!(report.verdict(), Verdict::Green, "{report}");
    assert!(report.totals().records > messages * MEMBERS * 2, "{report}");
}
