//! E2 and E7: the power goes; what was synced is there, and so are the folders that it lies in.

use keepline_server::store::Store as _;
use keepline_server::store::redb::restore;

use super::appender::{Appender, Said};
use super::disk::{Disk, can_run};
use super::scene::{Scene, on_one_thread};
use super::verdict::{Verdict, judge};

const TOOLS: [&str; 5] = ["mkfs.ext4", "mount", "umount", "python3", "strace"];

/// Cuts the power once `acks` messages were acknowledged, in the midst of the next ones.
fn cut_behind(acks: usize, under: &[&str]) -> Verdict {
    let disk = Disk::new(128);
    // Two folders that the store has to make, and to sync.
    let data = disk.path().join("deep/data");
    let mut appender = Appender::start(&data, 1_000_000, under);
    let enough = |said: &[Said]| said.iter().filter(|said| matches!(said, Said::Acked { .. })).count() >= acks;
    let mut said = appender.listen(enough);
    assert!(enough(&said), "the appender ended early: {said:?}");
    disk.cut_power();
    appender.kill();
    // Heard behind the cut, an acknowledgement proves nothing: a sync that the cut overtakes says that it succeeded, as
    // ext4 forgets what it still had to note. On a machine without power nobody would have heard it.
    let unheard = |said| match said {
        Said::Acked { number, .. } => Some(Said::Unknown { number }),
        Said::Forgotten { .. } => None,
        other => Some(other),
    };
    said.extend(appender.listen(|_| false).into_iter().filter_map(unheard));
    drop(appender);
    disk.restart();
    if !data.join("data.redb").is_file() {
        let lost = said.iter().filter(|said| matches!(said, Said::Acked { .. })).count();
        return Verdict { lost: (0..lost as u64).collect(), ..Verdict::default() };
    }
    judge(&data, &said)
}

fn cut_each(acks: impl Iterator<Item = usize>) {
    for acks in acks {
        let verdict = cut_behind(acks, &[]);
        println!("power cut behind {acks}: {verdict:?}");
        verdict.assert_nothing_lost(&format!("power cut behind {acks}"));
        assert!(verdict.acked >= acks);
    }
}

#[test]
fn e2_a_power_cut_loses_nothing_acknowledged() {
    if can_run(&TOOLS) {
        cut_each([1, 300, 2000].into_iter());
    }
}

#[test]
#[ignore = "long: 20 power cuts"]
fn e2_twenty_power_cuts_lose_nothing_acknowledged() {
    if can_run(&TOOLS) {
        cut_each((0..20).map(|n| 1 + n * n * 20));
    }
}

/// The control: the same cut loses messages if the store's syncs do nothing, so the test above can fail.
#[test]
fn e2_without_sync_a_power_cut_loses_messages() {
    if !can_run(&TOOLS) {
        return;
    }
    let no_sync = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync,fsync",
        "-e",
        "inject=fdatasync,fsync:retval=0",
    ];
    let cut = std::panic::catch_unwind(|| cut_behind(300, &no_sync));
    // The file may also be there in parts, and not open at all.
    if let Ok(verdict) = cut {
        assert!(!verdict.lost.is_empty(), "nothing was lost without a sync: {verdict:?}");
        println!("without sync: {} of them lost", verdict.lost.len());
    }
}

/// What a backup was acknowledged for is there after a power cut: the file, and its name.
#[test]
fn e7_a_backup_outlives_a_power_cut_once_it_is_answered() {
    if !can_run(&TOOLS) {
        return;
    }
    on_one_thread(async {
        let scene = Scene::new(64, 0);
        scene.append(1..=200).await;
        let to = scene.disk.path().join("backups");
        std::fs::create_dir(&to).unwrap();
        std::fs::File::open(scene.disk.path()).unwrap().sync_all().unwrap();
        let copied = scene.store.backup(&to.join("one")).await.unwrap();
        scene.disk.cut_power();
        scene.store.close().await;
        scene.disk.restart();
        let restored = scene.disk.path().join("restored");
        assert_eq!(restore(&to.join("one"), &restored, false).unwrap(), copied);
        assert_eq!(copied.records, 200);
    });
}
