//! What is kept, and found again.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::AtomicU32;

use super::*;

/// A folder that goes with its test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static PLACES: AtomicU32 = AtomicU32::new(0);
        let name = format!("keepline-journal-{}-{}", std::process::id(), PLACES.fetch_add(1, Ordering::Relaxed));
        let place = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&place);
        Self(place)
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.0, "http://127.0.0.1:8083", "ann").unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn at(day: u64, second: u64) -> Moment {
    clock::of_ms(1_700_000_000_000 + day * 86_400_000 + second * 1000)
}

#[test]
fn each_day_has_a_file_for_one_pair_of_eyes() {
    let place = Place::new();
    let journal = place.journal();
    journal.note(at(0, 0), "all", "bob", "hi \u{1b}[2J\nthere");
    journal.note(at(1, 0), "#team", "ann", "good");
    journal.note(at(1, 1), "@bob", "ann", "morning");
    assert!(journal.flush());
    assert!(journal.folder().ends_with("127.0.0.1_8083/ann"), "{}", journal.folder().display());
    let read = |day: u64| fs::read_to_string(journal.folder().join(format!("{}.log", clock::day(at(day, 0))))).unwrap();
    assert_eq!(read(0), format!("{} [all] bob: hi \\u{{1b}}[2J\\nthere\n", clock::long(at(0, 0))));
    assert_eq!(read(1).lines().count(), 2);
    for entry in fs::read_dir(journal.folder()).unwrap() {
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(journal.folder()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn cim_flaw_35_no_two_days_share_a_file() {
    // January 11 and November 1, which without padding are both 2026111.
    let days = [1_768_132_800_000, 1_793_534_400_000].map(|ms| clock::day(clock::of_ms(ms)));
    assert!(days[0].starts_with("2026-01-1") && days[1].starts_with("2026-11-0"), "{days:?}");
    let mut sorted: Vec<String> = (0..1000).map(|day| clock::day(at(day, 0))).collect();
    let in_order = sorted.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted, in_order, "each of its own, and in the order of their names");
}

#[test]
fn words_are_found_in_every_day_the_oldest_first() {
    let place = Place::new();
    let journal = place.journal();
    for day in (0..3).rev() {
        journal.note(at(day, 0), "all", "bob", &format!("Straße {day}, STRASSE"));
        journal.note(at(day, 1), "all", "bob", "nothing");
    }
    assert!(journal.flush());
    let found = Journal::search(journal.folder(), "straße").unwrap();
    let days: Vec<_> = found.lines.iter().map(|line| (line.text.contains("Straße 0"), line.marks.len())).collect();
    assert_eq!((days, found.more), (vec![(true, 2), (false, 2), (false, 2)], 0));
    assert!(Journal::search(journal.folder(), "absent").unwrap().lines.is_empty());
}

#[test]
fn of_many_lines_the_newest_are_shown() {
    let place = Place::new();
    let journal = place.journal();
    for n in 0..250 {
        journal.note(at(n / 125, n), "all", "bob", &format!("word {n}."));
    }
    assert!(journal.flush());
    let found = Journal::search(journal.folder(), "word").unwrap();
    assert_eq!((found.lines.len(), found.more), (200, 50));
    assert!(found.lines[0].text.ends_with("word 50.") && found.lines[199].text.ends_with("word 249."));
}

#[test]
fn what_a_disk_does_not_take_is_told_and_counted() {
    let place = Place::new();
    let journal = place.journal();
    let day = journal.folder().join(format!("{}.log", clock::day(at(0, 0))));
    fs::create_dir(&day).unwrap();
    journal.note(at(0, 0), "all", "bob", "lost");
    journal.flush();
    assert!(journal.trouble().is_some());
    assert_eq!(journal.trouble(), None);
    fs::remove_dir(&day).unwrap();
    journal.note(at(0, 1), "all", "bob", "kept");
    assert!(journal.flush());
    let text = fs::read_to_string(&day).unwrap();
    assert!(text.starts_with("(1 lines are missing here)\n") && text.ends_with("bob: kept\n"), "{text}");
}

#[test]
fn no_name_leaves_the_folder() {
    for (text, name) in [
        ("http://127.0.0.1:8083", "127.0.0.1_8083"),
        ("http://[::1]:1", "___1__1"),
        ("..", "_.."),
        ("", "_"),
        ("a/../b", "a_.._b"),
    ] {
        assert_eq!(file_name(text), name);
    }
}
