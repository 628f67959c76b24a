//! E5: the disk says that a write or a sync failed. Nothing is acknowledged on the strength of a second try.

use super::appender::{Appender, Said};
use super::disk::{Folder, can_run};
use super::verdict::judge;

/// Appends while the calls of one kind fail from one to another; what was said.
fn with_failing(inject: &str) -> (Vec<Said>, super::verdict::Verdict) {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let inject = format!("inject={inject}");
    let under = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64,fdatasync", "-e", &inject];
    let mut appender = Appender::start(&data, 600, &under);
    let said = appender.listen(|_| false);
    appender.kill();
    let verdict = judge(&data, &said);
    // The others are the verdict's.
    let of_messages = said.into_iter().filter(|said| !matches!(said, Said::Forgotten { .. }));
    (of_messages.collect(), verdict)
}

#[test]
fn e5_a_failed_write_or_sync_is_never_acknowledged_and_heals() {
    if !can_run(&["strace"]) {
        return;
    }
    // Each thread's calls are counted for themselves; the one that makes the store has fewer.
    for inject in [
        "fdatasync:error=EIO:when=20",
        "fdatasync:error=EIO:when=21..26",
        "pwrite64:error=EIO:when=60",
        "pwrite64:error=ENOSPC:when=70..75",
        "fdatasync:error=ENOSPC:when=22",
    ] {
        let (said, verdict) = with_failing(inject);
        verdict.assert_nothing_lost(inject);
        assert_eq!(said.len(), 600, "{inject}: it does not live on");
        let count = |what: fn(&Said) -> bool| said.iter().filter(|said| what(said)).count();
        let (unknown, refused) =
            (count(|it| matches!(it, Said::Unknown { .. })), count(|it| matches!(it, Said::Refused { .. })));
        println!("{inject}: {verdict:?}, {refused} refused, {unknown} unknown");
        assert!(unknown + refused > 0, "{inject}: nothing failed");
        assert!(matches!(said.last(), Some(Said::Acked { .. })), "{inject}: it did not recover");
        if inject.contains("ENOSPC") && refused > 0 {
            assert!(
                count(|it| matches!(it, Said::Refused { full: true, .. })) > 0,
                "{inject}: a full disk is called so"
            );
        }
    }
}
