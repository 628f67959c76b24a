//! E2: the power goes under the whole server; what clients were told to be stored is there when it is back.

use std::fs;
use std::time::Duration;

use keepline_check::{Counter, Expect};
use rustix::process::{Pid, Signal};

use super::crowd::{Crowd, assert_green, seed};
use super::disk::{Disk, can_run};
use super::people::settle_in;
use super::serving::{Place, Serving, injecting};

const TOOLS: [&str; 5] = ["mkfs.ext4", "mount", "umount", "python3", "strace"];

/// The machine stands still, its disk forgets what was not synced, and it starts again, with no server yet.
///
/// The server is stopped first, so that no client hears from it behind the cut: a sync that the cut overtakes says that
/// it succeeded, and a machine without power could not pass that on.
fn cut_power(serving: Serving, crowd: &Crowd, disk: &Disk) {
    serving.signal(Signal::STOP);
    crowd.wait("standstill", || stands_still(serving.pid()));
    disk.cut_power();
    serving.kill();
    disk.restart();
}

/// Whether each thread is stopped, or will be when the disk has answered it.
fn stands_still(pid: Pid) -> bool {
    let tasks = fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).expect("the kernel has a table");
    tasks.flatten().all(|task| {
        // One that has just ended has none.
        let Ok(stat) = fs::read_to_string(task.path().join("stat")) else { return true };
        // Number, name in brackets, state.
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't', 'D', 'Z', 'X']))
    })
}

fn cut_each(acks: impl Iterator<Item = u64>) {
    if !can_run(&TOOLS) {
        return;
    }
    let (disk, place) = (Disk::new(192), Place::new());
    let data = disk.path().join("deep/data");
    settle_in(&data);
    let mut serving = Serving::listening(place, &data, &[], &[]);
    let mut crowd = Crowd::gather(place.server);
    crowd.send(Duration::from_millis(2), seed());
    let mut cuts = 0;
    for more in acks {
        crowd.wait_for_acks(more);
        cut_power(serving, &crowd, &disk);
        cuts += 1;
        println!("power cut {cuts}, {} acknowledged", crowd.acked());
        serving = Serving::listening(place, &data, &[], &[]);
    }
    let mut expect = Expect::default();
    (expect.cut, expect.info, expect.redelivery) = (true, true, true);
    assert_green(&format!("{cuts} power cuts"), &crowd.judge(expect));
    serving.kill();
}

#[test]
fn e2_a_server_after_three_power_cuts_has_all_it_acknowledged() {
    cut_each([1, 100, 300].into_iter());
}

#[test]
#[ignore = "long: 20 power cuts"]
fn e2_a_server_after_twenty_power_cuts_has_all_it_acknowledged() {
    cut_each((0..20).map(|n| 1 + n * 15));
}

/// The control: the same cut, where syncs do nothing behind the making of the accounts. If the checker did not see the
/// loss here, it would not see it above.
#[test]
fn e2_a_server_without_sync_loses_at_a_power_cut() {
    if !can_run(&TOOLS) {
        return;
    }
    let (disk, place) = (Disk::new(192), Place::new());
    let data = disk.path().join("deep/data");
    settle_in(&data);
    let honest = Serving::listening(place, &data, &[], &[]);
    let mut crowd = Crowd::gather(place.server);
    honest.kill();
    let no_sync = injecting("trace=fdatasync,fsync", "inject=fdatasync,fsync:retval=0");
    let serving = Serving::listening(place, &data, &no_sync, &[]);
    crowd.send(Duration::from_millis(2), seed());
    crowd.wait_for_acks(200);
    cut_power(serving, &crowd, &disk);
    let serving = Serving::listening(place, &data, &[], &[]);
    let report = crowd.judge_as_it_is(Duration::from_secs(3));
    serving.kill();
    println!("without sync: {report}");
    assert!(report.count(Counter::Lost) > 0, "nothing was lost without a sync: {report}");
}
