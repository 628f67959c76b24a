//! E4: the disk is full under the whole server, and has room again.

use std::time::Duration;

use keepline_check::Expect;
use serde_json::json;

use super::crowd::{Crowd, assert_green, seed};
use super::disk::{Disk, can_run};
use super::people::{PASSWORD, settle_in};
use super::serving::{Place, Serving};

#[test]
fn e4_a_server_on_a_full_disk_refuses_messages_and_serves_the_rest() {
    if !can_run(&["mkfs.ext4", "mount", "umount", "fallocate"]) {
        return;
    }
    let (disk, place) = (Disk::new(128), Place::new());
    let data = disk.path().join("data");
    settle_in(&data);
    let serving = Serving::listening(place, &data, &[], &[]);
    let mut crowd = Crowd::gather(place.server);
    let token = crowd.run(place.server.token("ann", PASSWORD, "console")).expect("a token");
    let messages = "/v1/conversations/p.ann.bob/messages";
    let send = |text: &str| crowd.ask("POST", messages, &token, Some(&json!({ "text": text })));
    assert_eq!(send("there is room").status, 201);
    // Less is left than the server keeps for itself.
    disk.fill(8 << 10);
    let mut sent = 1;
    crowd.wait("a refusal", || {
        let answer = send("is there room?");
        sent += usize::from(answer.status == 201);
        assert!(matches!(answer.status, 201 | 507), "{answer:?}");
        answer.status == 507 && answer.json()["error"]["code"] == "storage_full"
    });
    let read = crowd.ask("GET", messages, &token, None);
    assert_eq!((read.status, read.json()["messages"].as_array().map(Vec::len)), (200, Some(sent)), "{read:?}");
    let acked = crowd.acked();
    crowd.send(Duration::from_millis(5), seed());
    crowd.wait("refusals on the lines", || crowd.put_off() >= 20);
    assert_eq!(crowd.acked(), acked, "a full disk takes messages");
    disk.empty();
    crowd.wait_for_acks(100);
    assert_eq!(crowd.ask("POST", messages, &token, Some(&json!({ "text": "room again" }))).status, 201);
    assert!(crowd.undisturbed(), "a line ended: {} logins", crowd.logins());
    let mut expect = Expect::default();
    expect.info = true;
    assert_green("a full disk", &crowd.judge(expect));
    serving.kill();
}
