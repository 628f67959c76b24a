//! E5: syncs and writes fail under the whole server. It acknowledges nothing that is not synced, and goes on by itself.

use std::time::Duration;

use keepline_check::Expect;

use super::crowd::{Crowd, assert_green, seed};
use super::disk::{Folder, can_run};
use super::people::settle_in;
use super::serving::{Place, Serving, injecting};

#[test]
fn e5_a_server_whose_syncs_fail_loses_no_line_and_goes_on() {
    // Of each thread's calls: those that make the accounts and groups go well.
    goes_on_through("fdatasync", "40+9");
}

/// What was written and not synced the kernel still has, so a store that takes it for synced is found out by chance only
/// while the power is on. What could not be written is in no place.
#[test]
fn e5_a_server_whose_writes_fail_acknowledges_nothing_false_and_goes_on() {
    goes_on_through("pwrite64", "400+41");
}

/// Some calls fail with EIO, as strace counts them, while a crowd sends.
#[track_caller]
fn goes_on_through(call: &str, when: &str) {
    if !can_run(&["strace"]) {
        return;
    }
    let (folder, place) = (Folder::new(), Place::new());
    let data = folder.path().join("data");
    settle_in(&data);
    Serving::listening(place, &data, &[], &[]).kill();
    let (calls, inject) = (format!("trace={call}"), format!("inject={call}:error=EIO:when={when}"));
    let serving = Serving::listening(place, &data, &injecting(&calls, &inject), &[]);
    let mut crowd = Crowd::gather(place.server);
    crowd.send(Duration::from_millis(2), seed());
    crowd.wait_for_acks(400);
    assert!(crowd.undisturbed(), "a line ended: {} logins", crowd.logins());
    let mut expect = Expect::default();
    expect.info = true;
    assert_green(&format!("failing {call}"), &crowd.judge(expect));
    serving.kill();
}
