//! E1: the process is killed, at the calls that matter most, and at random ones.

use super::appender::{Appender, Said};
use super::disk::{Folder, can_run};
use super::verdict::judge;

/// Kills an appender at the `when`th call of one kind that writes, and judges what is left.
fn killed_at(call: &str, when: u64) -> (usize, usize) {
    let folder = Folder::new();
    let inject = format!("inject={call}:signal=KILL:when={when}");
    let under = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync", "-e", &inject];
    let mut appender = Appender::start(&folder.path().join("data"), 400, &under);
    let said = appender.listen(|_| false);
    appender.kill();
    drop(appender);
    let verdict = judge(&folder.path().join("data"), &said);
    verdict.assert_nothing_lost(&format!("{call} {when}"));
    assert!(said.iter().all(|said| matches!(said, Said::Acked { .. } | Said::Forgotten { .. })), "{said:?}");
    (verdict.acked, verdict.recovered)
}

fn kill_at_each(calls: impl Iterator<Item = (&'static str, u64)>) {
    let (mut runs, mut hit, mut acked, mut recovered) = (0, 0, 0, 0);
    for (call, when) in calls {
        let (acks, extra) = killed_at(call, when);
        runs += 1;
        hit += usize::from(acks < 400);
        acked += acks;
        recovered += extra;
    }
    println!("{runs} kills, {hit} before the end: {acked} acknowledged, 0 lost, {recovered} more stored");
    assert!(hit * 2 > runs, "most kills came too late to prove anything: {hit} of {runs}");
    assert!(acked > 0, "nothing was acknowledged before a kill");
}

#[test]
fn e1_killed_at_a_write_or_sync_loses_nothing_acknowledged() {
    if !can_run(&["strace"]) {
        return;
    }
    // Each thread's calls are counted for themselves: the first dozen or two hit the one that makes the store.
    let writes = [1, 2, 5, 13, 19, 22, 34, 55, 89, 144, 233, 377];
    let syncs = [1, 4, 9, 12, 14, 20, 27, 33];
    kill_at_each(writes.map(|n| ("pwrite64", n)).into_iter().chain(syncs.map(|n| ("fdatasync", n))));
}

#[test]
#[ignore = "long: 400 kills"]
fn e1_killed_at_each_of_400_calls_loses_nothing_acknowledged() {
    if !can_run(&["strace"]) {
        return;
    }
    kill_at_each((1..=350).map(|n| ("pwrite64", n)).chain((1..=50).map(|n| ("fdatasync", n))));
}
