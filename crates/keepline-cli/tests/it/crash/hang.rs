//! E6: the disk hangs under the whole server for longer than its heartbeats allow silence, and comes back.

use std::time::{Duration, Instant};

use keepline_check::Expect;
use serde_json::json;

use super::crowd::{Crowd, assert_green, seed};
use super::disk::{Disk, can_run};
use super::people::{PASSWORD, settle_in};
use super::serving::{Place, Serving};

/// A disk that hangs until this is dropped: also before a server is that waits for it, and can't be killed.
struct Hanging<'a>(&'a mut Disk);

impl<'a> Hanging<'a> {
    fn begin(disk: &'a mut Disk) -> Self {
        disk.freeze();
        Self(disk)
    }
}

impl Drop for Hanging<'_> {
    fn drop(&mut self) {
        self.0.thaw();
    }
}

#[test]
fn e6_a_server_whose_disk_hangs_keeps_its_lines_and_says_unknown() {
    if !can_run(&["mkfs.ext4", "mount", "umount", "fsfreeze"]) {
        return;
    }
    let (mut disk, place) = (Disk::new(128), Place::new());
    let heartbeat = ["--ping-after", "1s", "--silence", "4s"];
    let data = disk.path().join("data");
    settle_in(&data);
    let serving = Serving::listening(place, &data, &[], &heartbeat);
    let mut crowd = Crowd::gather(place.server);
    let token = crowd.run(place.server.token("ann", PASSWORD, "console")).expect("a token");
    let messages = "/v1/conversations/p.ann.bob/messages";
    let message = json!({ "id": "00112233445566778899aabbccddeeff", "text": "is anybody there?" });
    crowd.send(Duration::from_millis(5), seed());
    crowd.wait_for_acks(30);
    let hanging = Hanging::begin(&mut disk);
    let frozen = Instant::now();
    let answer = crowd.ask("POST", messages, &token, Some(&message));
    let waited = frozen.elapsed();
    println!("answered {} after {waited:?}", answer.status);
    assert!(waited < Duration::from_secs(9), "whether it is stored was said to be unknown after {waited:?} only");
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (504, &json!("unknown_outcome")), "{answer:?}");
    let acked = crowd.acked();
    assert_eq!(crowd.ask("GET", messages, &token, None).status, 200, "reads go on");
    std::thread::sleep(Duration::from_secs(10).saturating_sub(frozen.elapsed()));
    assert_eq!(crowd.acked(), acked, "acknowledged by a disk that hangs");
    assert!(crowd.undisturbed(), "a line ended: {} logins", crowd.logins());
    drop(hanging);
    crowd.wait_for_acks(100);
    let again = crowd.ask("POST", messages, &token, Some(&message));
    assert_eq!((again.status, &again.json()["duplicate"]), (200, &json!(true)), "stored when the disk was back");
    assert!(crowd.undisturbed(), "a line ended: {} logins", crowd.logins());
    assert_green("a disk that hangs", &crowd.judge(Expect::default()));
    serving.kill();
}
