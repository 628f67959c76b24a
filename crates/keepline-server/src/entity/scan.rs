//! Scan: the newest record of every log of a kind, a few at a time.

use super::{Held, LAST, State, decode};
use crate::store::{Head, LogName, Store, StoreError};

/// Logs whose records are asked for at once.
const LOGS: usize = 64;

/// Bytes of records that are asked for at once, or one record: what reading takes beside what is kept.
const BYTES: u64 = 4 << 20;

/// Reads the last record of every log whose name begins with `prefix` and that `wanted` says yes to.
///
/// `take` is given each, or why it cannot be read as what it should be. Logs without a record are left out.
pub(crate) async fn scan<S: State>(
    store: &dyn Store,
    prefix: &str,
    wanted: impl Fn(&LogName, u64) -> bool + Send,
    mut take: impl FnMut(&LogName, Result<Held<S>, StoreError>) + Send,
) -> Result<(), StoreError> {
    let mut after: Option<LogName> = None;
    loop {
        let mut logs = store.logs(prefix, after.as_ref(), LOGS).await?;
        let Some((last, _)) = logs.last() else { return Ok(()) };
        after = Some(last.clone());
        logs.retain(|(log, head)| head.first <= head.seq && wanted(log, head.seq));
        let mut rest = logs.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(how_many(rest));
            rest = others;
            // All are asked for before the first is waited for: the store reads them side by side.
            let reads: Vec<_> = some.iter().map(|(log, _)| store.read_back(log, u64::MAX, LAST)).collect();
            for ((log, _), read) in some.iter().zip(reads) {
                match read.await {
                    Ok(records) => records.first().into_iter().for_each(|record| take(log, decode(log, record))),
                    // One damaged record is no reason to be without all others.
                    Err(error @ StoreError::Damaged(_)) => take(log, Err(error)),
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// How many of the first logs have no more than [`BYTES`] together, but one in any case.
fn how_many(logs: &[(LogName, Head)]) -> usize {
    let sums = logs.iter().scan(0_u64, |sum, (_, head)| {
        *sum = sum.saturating_add(head.bytes);
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= BYTES).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_at_once_than_fits() {
        let table: [(&[u64], usize); 5] = [
            (&[1, 1, 1], 3),
            (&[BYTES, 1], 1),
            (&[BYTES + 1, 1], 1),
            (&[1, BYTES - 1, 1], 2),
            (&[u64::MAX, u64::MAX], 1),
        ];
        for (sizes, expected) in table {
            let log = |bytes: &u64| (LogName::new("x"), Head { epoch: 1, seq: 1, first: 1, bytes: *bytes });
            let logs: Vec<_> = sizes.iter().map(log).collect();
            assert_eq!(how_many(&logs), expected, "{sizes:?}");
        }
    }
}
