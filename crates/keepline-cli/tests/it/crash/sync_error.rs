//! E5: syncs fail under the whole server. It acknowledges nothing that is not synced, and goes on by itself.

use std::time::Duration;

use keepline_check::Expect;

use super::crowd::{Crowd, assert_green, seed};
use super::disk::{Folder, can_run};
use super::people::settle_in;
use super::serving::{Place, Serving, injecting};

#[test]
fn e5_a_server_whose_syncs_fail_acknowledges_nothing_false_and_goes_on() {
    if !can_run(&["strace"]) {
        return;
    }
    let (folder, place) = (Folder::new(), Place::new());
    let data = folder.path().join("data");
    settle_in(&data);
    Serving::listening(place, &data, &[], &[]).kill();
    // Of each thread's calls: those that make the accounts and groups go well.
    let failing = injecting("trace=fdatasync", "inject=fdatasync:error=EIO:when=40+9");
    let serving = Serving::listening(place, &data, &failing, &[]);
    let mut crowd = Crowd::gather(place.server);
    crowd.send(Duration::from_millis(2), seed());
    crowd.wait_for_acks(400);
    assert!(crowd.undisturbed(), "a line ended: {} logins", crowd.logins());
    let mut expect = Expect::default();
    expect.info = true;
    assert_green("failing syncs", &crowd.judge(expect));
    serving.kill();
}
