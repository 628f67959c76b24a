//! Shed: which sessions are dropped when memory is short: those for whom the most waits.

/// Below this nobody is slow: what an honest client may have on its way, in bytes.
const LEAST: u64 = 16 << 10;

/// Those for whom the most waits, in bytes, until together that is as much as is to be given back; at least one, if
/// there is one for whom anything to speak of waits.
pub(super) fn slowest<T>(mut waiting: Vec<(u64, T)>, excess: u64) -> Vec<(u64, T)> {
    waiting.retain(|(bytes, _)| *bytes >= LEAST);
    waiting.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let mut sum = 0_u64;
    let enough = waiting.iter().position(|(bytes, _)| {
        sum = sum.saturating_add(*bytes);
        sum >= excess
    });
    waiting.truncate(enough.map_or(waiting.len(), |last| last + 1));
    waiting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_go_first_and_no_more_than_is_needed() {
        const K: u64 = 1 << 10;
        let table: [(&[u64], u64, &[u64]); 7] = [
            (&[], 100, &[]),
            (&[15 * K, 0], 100 * K, &[]),
            (&[16 * K], 100 * K, &[16 * K]),
            (&[20 * K, 900 * K, 300 * K], 800 * K, &[900 * K]),
            (&[20 * K, 900 * K, 300 * K], 900 * K + 1, &[900 * K, 300 * K]),
            (&[20 * K, 900 * K, 3 * K], u64::MAX, &[900 * K, 20 * K]),
            (&[20 * K, 900 * K], 0, &[900 * K]),
        ];
        for (i, (waiting, excess, expected)) in table.into_iter().enumerate() {
            let shed = slowest(waiting.iter().map(|bytes| (*bytes, ())).collect(), excess);
            assert_eq!(shed.iter().map(|(bytes, ())| *bytes).collect::<Vec<_>>(), expected, "row {i}");
        }
    }
}
