//! Mutations of a history: each breaks one promise, and tells whether the history had a place for it.

#![expect(clippy::ptr_arg, reason = "one type for all mutations; some insert and remove")]

use keepline_check::{BodyHash, MessageId, Op, Phase, Record};

use crate::history::{OUTSIDER, WANDERER};
use crate::random::Random;

/// Changes a history so that it shows one broken promise; false if it found no place for it.
pub(crate) type Mutation = fn(&mut Vec<Record>, &mut Random) -> bool;

/// A message that was acknowledged never came to one of its readers.
pub(crate) fn drop_acked_delivery(records: &mut Vec<Record>, random: &mut Random) -> bool {
    remove(records, random, |all, r| {
        steady_delivery(r) && answered(all, r, Phase::Ok) && !own(all, r) && !excused(all, r)
    })
}

/// A message without an answer came to some, and never to one of its readers.
pub(crate) fn drop_recovered_delivery(records: &mut Vec<Record>, random: &mut Random) -> bool {
    remove(records, random, |all, r| {
        let elsewhere = |o: &&Record| o.op == Op::Deliver && o.id == r.id && o.mono != r.mono;
        let missed = steady_delivery(r) && !own(all, r) && !excused(all, r);
        missed && !answered(all, r, Phase::Ok) && all.iter().any(|o| elsewhere(&o))
    })
}

/// The store lost an acknowledged message that every device has.
pub(crate) fn drop_stored(records: &mut Vec<Record>, random: &mut Random) -> bool {
    remove(records, random, |all, r| r.op == Op::Read && r.id.is_some() && answered(all, r, Phase::Ok))
}

/// A device was told that a message is gone, which the store still has.
pub(crate) fn announce_falsely(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let Some(one) = place(records, random, |all, r| r.op == Op::Deliver && in_store(all, r)) else { return false };
    records[one] = told_gone(&records[one]);
    true
}

/// The store lost an acknowledged message, and tells so.
pub(crate) fn announce_a_loss(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let stored = |all: &[Record], r: &Record| r.op == Op::Deliver && in_store(all, r) && answered(all, r, Phase::Ok);
    let Some(one) = place(records, random, stored) else { return false };
    let id = records[one].id;
    // Another has it; else it would be missing wherever one looks.
    if records.iter().filter(|r| r.op == Op::Deliver && r.id == id).count() < 2 {
        return false;
    }
    records[one] = told_gone(&records[one]);
    records.retain(|r| !(r.op == Op::Read && r.id == id));
    true
}

/// A device was told that messages are gone before retention dropped them.
pub(crate) fn announce_too_early(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let Some(one) = place(records, random, |_, r| r.op == Op::Gap) else { return false };
    let told = records.remove(one);
    let enough = |r: &Record| r.op == Op::Drop && r.conv == told.conv && r.seq >= told.to;
    let Some(drop) = records.iter().position(enough) else { return false };
    let (mono, wall) = (records[drop].mono, records[drop].wall);
    records.insert(drop, told.at(mono, wall));
    true
}

/// Two deliveries of a device change places.
pub(crate) fn swap_two(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let Some(one) = place(records, random, |_, r| r.op == Op::Deliver) else { return false };
    let (user, device, conv) = (records[one].user.clone(), records[one].device.clone(), records[one].conv.clone());
    let next = records
        .iter()
        .skip(one + 1)
        .position(|r| r.op == Op::Deliver && r.user == user && r.device == device && r.conv == conv);
    let Some(two) = next.map(|offset| one + 1 + offset) else { return false };
    swap_content(records, one, two);
    true
}

/// A device's application takes a message again, later.
pub(crate) fn double_one(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let Some(one) = place(records, random, |_, r| r.op == Op::Deliver) else { return false };
    insert_late(records, records[one].clone());
    true
}

/// A device takes a message that nobody sent.
pub(crate) fn forge_one(records: &mut Vec<Record>, random: &mut Random) -> bool {
    deliver_new(records, random, MessageId(u128::MAX), BodyHash(1))
}

/// A device takes a message that was refused.
pub(crate) fn resurrect_one(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let refused =
        |all: &[Record], r: &Record| r.op == Op::Send && r.phase == Phase::Invoke && answered(all, r, Phase::Fail);
    let Some(one) = place(records, random, refused) else { return false };
    let (id, body) = (records[one].id.expect("a send has an id"), records[one].body_hash.expect("and a body"));
    let conv = records[one].conv.clone();
    let seq = highest(records, conv.as_deref()) + 1;
    let like = |_: &[Record], r: &Record| steady_delivery(r) && r.conv == conv;
    let Some(reader) = place(records, random, like) else { return false };
    insert_late(records, renamed(&records[reader], id, body, seq));
    true
}

/// A session that was replaced sends, and is acknowledged.
pub(crate) fn move_session(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let late =
        |all: &[Record], r: &Record| r.op == Op::Send && r.phase == Phase::Ok && earlier_session(all, r).is_some();
    let Some(ok) = place(records, random, late) else { return false };
    let session = earlier_session(records, &records[ok]).expect("it was just found");
    let (id, now) = (records[ok].id, records[ok].sess_epoch);
    for record in records.iter_mut().filter(|r| r.op == Op::Send && r.id == id && r.sess_epoch == now) {
        record.sess_epoch = session;
    }
    true
}

/// A message arrives with another body.
pub(crate) fn change_body(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let Some(one) = place(records, random, |_, r| r.op == Op::Deliver) else { return false };
    records[one].body_hash = records[one].body_hash.map(|BodyHash(hash)| BodyHash(hash ^ 1));
    true
}

/// Somebody who is in no conversation takes a message.
pub(crate) fn leak_one(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let Some(one) = place(records, random, |_, r| r.op == Op::Deliver) else { return false };
    let leaked = records[one].clone().by("leak", OUTSIDER, "phone");
    records.insert(one + 1, leaked);
    true
}

/// One device sees another message under a number, one whose answer its sender never got.
pub(crate) fn fork_one(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let nowhere = |all: &[Record], r: &Record| {
        r.op == Op::Send
            && r.phase == Phase::Invoke
            && !all.iter().any(|o| o.id == r.id && o.seq.is_some())
            && answered(all, r, Phase::Info)
    };
    let Some(other) = place(records, random, nowhere) else { return false };
    let (conv, at) = (records[other].conv.clone(), records[other].mono);
    let Some(one) = place(records, random, |all, r| {
        steady_delivery(r) && r.conv == conv && begun(all, r) > at && answered(all, r, Phase::Ok) && in_store(all, r)
    }) else {
        return false;
    };
    (records[one].id, records[one].body_hash) = (records[other].id, records[other].body_hash);
    true
}

/// A message sent again gets a second number, and a device takes it twice.
pub(crate) fn number_twice(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let Some(one) = place(records, random, |_, r| steady_delivery(r)) else { return false };
    let seq = highest(records, records[one].conv.as_deref()) + 1;
    insert_late(records, records[one].clone().seq(seq));
    true
}

/// The server leaves out a number.
pub(crate) fn skip_number(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let Some(one) = place(records, random, |_, r| r.op == Op::Read && r.id.is_some()) else { return false };
    let (conv, from) = (records[one].conv.clone(), records[one].seq);
    for record in records.iter_mut().filter(|r| r.conv == conv && r.seq >= from) {
        record.seq = record.seq.map(|seq| seq + 1);
    }
    true
}

/// Two messages of one sender, the second sent after the first was acknowledged, are stored the other way round.
pub(crate) fn store_later_first(records: &mut Vec<Record>, random: &mut Random) -> bool {
    let Some(first) = place(records, random, |_, r| is_send(r, Phase::Ok)).map(|place| records[place].clone()) else {
        return false;
    };
    let Some(second) = sent_after(records, &first) else { return false };
    // Another of the sender between the two would be out of place as well.
    let between = |r: &&Record| r.id.is_some() && r.conv == first.conv && r.seq > first.seq && r.seq < second.seq;
    if second.seq < first.seq || records.iter().filter(between).any(|r| sender(records, r) == sender(records, &first)) {
        return false;
    }
    // Who has one of them only would miss the other.
    let taken = |id| records.iter().filter(|r| r.op == Op::Deliver && r.user == WANDERER && r.id == id).count();
    if taken(first.id) != taken(second.id) {
        return false;
    }
    let body = |id| records.iter().find(|r| is_send(r, Phase::Invoke) && r.id == id).and_then(|r| r.body_hash);
    let (body_of_first, body_of_second) = (body(first.id), body(second.id));
    for record in records.iter_mut().filter(|r| r.conv == first.conv) {
        let (other, body) = match record.id {
            id if id == first.id => (&second, body_of_second),
            id if id == second.id => (&first, body_of_first),
            _ => continue,
        };
        if matches!(record.op, Op::Receive | Op::Deliver | Op::Read) {
            (record.id, record.body_hash) = (other.id, body);
        } else if record.phase == Phase::Ok {
            record.seq = other.seq;
        }
    }
    true
}

/// The acknowledgement of a message that its sender first sent after this one, to the same conversation.
fn sent_after(records: &[Record], first: &Record) -> Option<Record> {
    let same = |r: &&Record| r.user == first.user && r.device == first.device && r.conv == first.conv;
    let later = |r: &&Record| is_send(r, Phase::Ok) && begun(records, r) > first.mono;
    records.iter().filter(same).find(later).cloned()
}

/// Who sent the record's message.
fn sender<'a>(all: &'a [Record], record: &Record) -> Option<&'a str> {
    all.iter().find(|r| is_send(r, Phase::Invoke) && r.id == record.id).map(|r| r.user.as_str())
}

/// When the record's message was first sent.
fn begun(all: &[Record], record: &Record) -> u64 {
    all.iter().find(|r| is_send(r, Phase::Invoke) && r.id == record.id).map_or(0, |r| r.mono)
}

fn is_send(record: &Record, phase: Phase) -> bool {
    record.op == Op::Send && record.phase == phase
}

/// A reader who must have everything: of a user who never leaves.
fn steady_delivery(record: &Record) -> bool {
    record.op == Op::Deliver && record.user != WANDERER
}

/// Whether the final reading found the record's message.
fn in_store(all: &[Record], record: &Record) -> bool {
    all.iter().any(|other| other.op == Op::Read && other.conv == record.conv && other.id == record.id)
}

/// In the place of a delivery: the word that the message is gone.
fn told_gone(delivery: &Record) -> Record {
    let (conv, seq) = (delivery.conv.clone().unwrap_or_default(), delivery.seq.unwrap_or_default());
    let told = Record::new(Op::Gap, Phase::Info).by(&delivery.proc, &delivery.user, &delivery.device);
    told.session(delivery.sess_epoch).conv(&conv).seq(seq).to(seq).at(delivery.mono, delivery.wall)
}

/// Whether the record's device was told that the message is gone.
fn excused(all: &[Record], record: &Record) -> bool {
    let told = |o: &Record| {
        let reader = o.user == record.user && o.device == record.device && o.conv == record.conv;
        o.op == Op::Gap && reader && o.seq <= record.seq && o.to >= record.seq
    };
    all.iter().any(told)
}

fn answered(all: &[Record], record: &Record, phase: Phase) -> bool {
    all.iter().any(|other| other.op == Op::Send && other.phase == phase && other.id == record.id)
}

/// Whether the record's device sent the message itself.
fn own(all: &[Record], record: &Record) -> bool {
    let sent = |o: &Record| o.op == Op::Send && o.id == record.id && o.user == record.user && o.device == record.device;
    all.iter().any(sent)
}

/// An earlier session of the device whose successor was open before this message was first sent.
fn earlier_session(all: &[Record], ok: &Record) -> Option<u64> {
    let invoke = all.iter().find(|r| r.op == Op::Send && r.phase == Phase::Invoke && r.id == ok.id)?;
    let same = |r: &&Record| r.op == Op::Login && r.phase == Phase::Ok && r.user == ok.user && r.device == ok.device;
    let before = all.iter().filter(same).filter(|r| r.mono < invoke.mono);
    let earlier = before.map(|r| r.sess_epoch).filter(|session| *session < ok.sess_epoch).min()?;
    (invoke.sess_epoch == ok.sess_epoch).then_some(earlier)
}

fn highest(records: &[Record], conv: Option<&str>) -> u64 {
    records.iter().filter(|r| r.conv.as_deref() == conv).filter_map(|r| r.seq).max().unwrap_or(0)
}

/// A place that fits, by chance.
fn place(records: &[Record], random: &mut Random, fits: impl Fn(&[Record], &Record) -> bool) -> Option<usize> {
    let places: Vec<usize> = (0..records.len()).filter(|place| fits(records, &records[*place])).collect();
    random.pick(&places)
}

fn remove(records: &mut Vec<Record>, random: &mut Random, fits: impl Fn(&[Record], &Record) -> bool) -> bool {
    place(records, random, fits).map(|place| records.remove(place)).is_some()
}

fn swap_content(records: &mut [Record], one: usize, two: usize) {
    let content = |record: &Record| (record.id, record.seq, record.body_hash);
    let (first, second) = (content(&records[one]), content(&records[two]));
    (records[one].id, records[one].seq, records[one].body_hash) = second;
    (records[two].id, records[two].seq, records[two].body_hash) = first;
}

/// Behind everything else.
fn insert_late(records: &mut Vec<Record>, record: Record) {
    let mono = records.last().map_or(0, |last| last.mono);
    records.push(record.at(mono, mono));
}

/// The same reader sees another message.
fn renamed(record: &Record, id: MessageId, body: BodyHash, seq: u64) -> Record {
    let conv = record.conv.clone().unwrap_or_default();
    record.clone().message(&conv, id).body(body).seq(seq)
}

fn deliver_new(records: &mut Vec<Record>, random: &mut Random, id: MessageId, body: BodyHash) -> bool {
    let Some(one) = place(records, random, |_, r| steady_delivery(r)) else { return false };
    let seq = highest(records, records[one].conv.as_deref()) + 1;
    insert_late(records, renamed(&records[one], id, body, seq));
    true
}
