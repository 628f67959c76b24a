//! E6: the disk hangs, and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keepline_server::store::{Outcome, Page, Store as _};

use super::appender::{log_of, message};
use super::disk::can_run;
use super::scene::{Scene, on_one_thread};

/// The longest time, in milliseconds, by which a task was late that wants to run every 10 ms.
fn watch_lag(stop: Arc<AtomicBool>) -> Arc<AtomicU64> {
    let worst = Arc::new(AtomicU64::new(0));
    let lag = Arc::clone(&worst);
    tokio::spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            let start = Instant::now();
            tokio::time::sleep(Duration::from_millis(10)).await;
            lag.fetch_max(u64::try_from(start.elapsed().as_millis()).unwrap(), Ordering::Relaxed);
        }
    });
    worst
}

#[test]
fn e6_a_hanging_disk_holds_up_appends_alone() {
    if !can_run(&["mkfs.ext4", "mount", "umount", "fsfreeze"]) {
        return;
    }
    on_one_thread(async {
        let mut scene = Scene::new(64, 1 << 10);
        scene.append(1..=30).await;
        let stop = Arc::new(AtomicBool::new(false));
        let lag = watch_lag(Arc::clone(&stop));
        scene.disk.freeze();
        let frozen = Instant::now();
        let calls: Vec<_> = (31..=60).map(|number| (number, scene.store.append(message(number)))).collect();
        for (number, call) in calls {
            assert_eq!(call.await, Ok(Outcome::Unknown), "{number} on a disk that hangs");
            // Read while it hangs: from what is known to be on the disk.
            let page = Page { records: 100, bytes: 1 << 20 };
            assert_eq!(scene.store.read(&log_of(number), 0, page).await.unwrap().len(), 10);
        }
        let waited = frozen.elapsed();
        assert!((4900..8000).contains(&waited.as_millis()), "unknown is said after 5 s, not {waited:?}");
        scene.disk.thaw();
        for number in 31..=60 {
            let outcome = scene.store.append(message(number)).await;
            assert!(
                matches!(outcome, Ok(Outcome::Duplicate(_))),
                "{number} was stored when the disk was back: {outcome:?}"
            );
        }
        stop.store(true, Ordering::Relaxed);
        let lag = lag.load(Ordering::Relaxed);
        println!("the disk hung for {waited:?}; other tasks were late by {lag} ms at most");
        assert!(lag < 2000, "something waited for the disk on the runtime's thread: {lag} ms");
        scene.store.close().await;
    });
}
