//! Verdict: opens a store after its fault, and compares it with what was said about each message.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use keepline_server::id::MessageId;
use keepline_server::store::redb::{Options, Redb};
use keepline_server::store::{LogName, Outcome, Page, Record, Store};

use super::appender::{Said, TRIMMED, body_of, id_of, log_of, message, own_log_of};

/// How what was said and what is there compare.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Acknowledged.
    pub(crate) acked: usize,
    /// Acknowledged, and not there, or under another number.
    pub(crate) lost: Vec<u64>,
    /// Refused for certain, and there.
    pub(crate) resurrected: Vec<u64>,
    /// Not acknowledged, not refused, and there.
    pub(crate) recovered: usize,
    /// Anything else that must not be.
    pub(crate) wrong: Vec<String>,
    /// How long it took to open.
    pub(crate) opened: Duration,
}

impl Verdict {
    pub(crate) fn assert_nothing_lost(&self, what: &str) {
        assert!(self.lost.is_empty() && self.resurrected.is_empty() && self.wrong.is_empty(), "{what}: {self:?}");
        assert!(self.opened < Duration::from_secs(5), "{what}: opened after {:?}", self.opened);
    }
}

/// Opens the store in `folder` and judges.
pub(crate) fn judge(folder: &Path, said: &[Said]) -> Verdict {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let start = Instant::now();
    let mut options = Options::default();
    options.reserve = 0;
    let store = match Redb::open(folder, options) {
        Ok(store) => store,
        Err(error) => panic!("after {} messages: {error}", said.len()),
    };
    let opened = start.elapsed();
    let verdict = runtime.block_on(async {
        let verdict = compare(&*store, said).await;
        store.close().await;
        verdict
    });
    Verdict { opened, ..verdict }
}

/// Every record of a log, by its id; whatever is out of order is `wrong`.
async fn records(store: &dyn Store, number: u64, wrong: &mut Vec<String>) -> BTreeMap<MessageId, Record> {
    let name = log_of(number);
    let head = store.head(&name).await.unwrap();
    let read = store.read(&name, 0, Page { records: usize::MAX, bytes: usize::MAX }).await.unwrap();
    let numbers: Vec<u64> = read.iter().map(|record| record.seq).collect();
    if numbers != (head.first..=head.seq).collect::<Vec<_>>() {
        wrong.push(format!("{name} has a hole: {head:?}"));
    }
    if head.first > 1 && name.as_str() != TRIMMED {
        wrong.push(format!("{name} was trimmed: {head:?}"));
    }
    read.into_iter().map(|record| (record.id, record)).collect()
}

/// Logs that were said to be forgotten are gone; of the others each is whole, or gone.
async fn own_logs(store: &dyn Store, said: &[Said], wrong: &mut Vec<String>) {
    let forgotten = |log: &LogName| {
        let is_it = |number: u64| own_log_of(number).as_ref() == Some(log);
        said.iter().any(|said| matches!(said, Said::Forgotten { number } if is_it(*number)))
    };
    for (log, head) in store.logs("t.", None, usize::MAX).await.unwrap() {
        let read = store.read(&log, 0, Page { records: 9, bytes: 1 << 20 }).await;
        let whole = head.first == 1 && read.is_ok_and(|read| read.len() as u64 == head.seq);
        if !whole || forgotten(&log) {
            wrong.push(format!("{log} is there, with {head:?}"));
        }
    }
}

async fn compare(store: &dyn Store, said: &[Said]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut logs = Vec::new();
    let mut firsts = Vec::new();
    for number in 0..3 {
        logs.push(records(store, number, &mut verdict.wrong).await);
        firsts.push(store.head(&log_of(number)).await.unwrap().first);
    }
    let mut expected: usize = 0;
    own_logs(store, said, &mut verdict.wrong).await;
    for said in said {
        let (Said::Acked { number, .. } | Said::Refused { number, .. } | Said::Unknown { number }) = *said else {
            continue;
        };
        let found = logs[number as usize % 3].get(&id_of(number));
        if found.is_some_and(|record| record.body != body_of(number)) {
            verdict.wrong.push(format!("message {number} says something else"));
        }
        match (said, found.map(|record| record.seq)) {
            (Said::Acked { seq, .. }, found) => {
                verdict.acked += 1;
                expected += usize::from(found.is_some());
                let trimmed = *seq < firsts[number as usize % 3];
                if found != Some(*seq) && !trimmed {
                    verdict.lost.push(number);
                }
            }
            (Said::Refused { .. }, Some(_)) => verdict.resurrected.push(number),
            _ => {}
        }
    }
    verdict.recovered = logs.iter().map(BTreeMap::len).sum::<usize>() - expected - verdict.resurrected.len();
    // The last of them, sent again, are known, whether they were trimmed or not.
    for said in said.iter().rev().filter(|said| matches!(said, Said::Acked { .. })).take(20) {
        let Said::Acked { number, seq } = *said else { continue };
        let again = store.append(message(number)).await;
        if again != Ok(Outcome::Duplicate(seq)) && !verdict.lost.contains(&number) {
            verdict.wrong.push(format!("message {number} again: {again:?}"));
        }
    }
    verdict
}
