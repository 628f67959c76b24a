//! Tests of the audit log: its lines, its bound, and disks that are full, slow or moved away.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;

use serde_json::Value;

use super::*;

const DONE: Outcome = Outcome::Done;

fn login(device: &str) -> Entry<'_> {
    Entry::new(Actor::User("ann"), Action::Login, DONE).about(device)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// A folder that goes with its value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("keepline-audit-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_line_is_one_object_of_printable_ascii() {
    let address = Some("[2001:db8::1]:4000".parse().unwrap());
    let entry = Entry::new(Actor::User("ann"), Action::GroupRole, Outcome::Refused("not_allowed"));
    assert_eq!(
        entry.about("team/bob").from(address).line(1_790_000_000_123),
        "{\"at\":\"2026-09-21T14:13:20.123Z\",\"actor\":\"ann\",\"action\":\"group.role\",\"object\":\"team/bob\",\
         \"address\":\"[2001:db8::1]:4000\",\"outcome\":\"not_allowed\"}\n"
    );
    for evil in [
        "a\nb",
        "a\r\nb",
        "\u{1b}[2J",
        "\"},{\"",
        "\\",
        "\u{7f}",
        "\u{9b}31m",
        "\u{202e}nna",
        "\u{2028}",
        "\u{feff}",
        "\u{1f600}",
        "\0",
        "\t",
    ] {
        let line = Entry::new(Actor::User(evil), Action::Login, DONE).about(evil).line(0);
        assert!(line.strip_suffix('\n').unwrap().bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line:?}");
        let read = &lines(&line)[0];
        assert_eq!((read["actor"].as_str(), read["object"].as_str()), (Some(evil), Some(evil)), "{line}");
    }
    let long = "\u{1f600}".repeat(10_000);
    let line = Entry::new(Actor::User(&long), Action::Login, DONE).about(&long).line(0);
    assert!(line.len() < 5_000, "{}", line.len());
}

#[test]
fn each_action_has_a_word_of_its_own() {
    for (i, action) in Action::ALL.iter().enumerate() {
        assert!(Action::ALL[..i].iter().all(|other| other.name() != action.name()), "{action:?}");
    }
}

/// Takes a batch when it is told to.
struct Slow {
    go: Receiver<()>,
    taken: SyncSender<String>,
}

impl Sink for Slow {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        let _ = self.go.recv();
        let _ = self.taken.send(lines.to_owned());
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_disk_that_hangs_holds_nobody_up_and_what_is_missing_is_counted() {
    const NOTED: u64 = 5_000;
    let ((go, wait), (taken, written)) = (sync_channel(1), sync_channel(QUEUE));
    let metrics = Arc::new(Metrics::new());
    let audit = Audit::over(Slow { go: wait, taken }, Arc::clone(&metrics)).unwrap();
    for _ in 0..NOTED {
        audit.note(&login("phone"));
    }
    // It waits in its first write: at most one batch is there beside the queue.
    drop(go);
    audit.flush().await;
    audit.note(&login("last"));
    drop(audit);
    let all = written.iter().collect::<String>();
    let all = lines(&all);
    let of = |action: &str| all.iter().filter(|line| line["action"] == action).collect::<Vec<_>>();
    let lost: u64 = of("lost").iter().map(|line| line["object"].as_str().unwrap().parse::<u64>().unwrap()).sum();
    let kept = of("login").len() as u64;
    assert_eq!(kept + lost, NOTED + 1, "each is there or counted");
    assert!((1..=2 * QUEUE as u64 + 2).contains(&kept), "{kept} of a queue of {QUEUE}");
    assert!(metrics.render().contains(&format!("keepline_audit_lost_total {lost}\n")), "{lost}");
    assert_eq!(all.last().unwrap()["object"], "last", "and it goes on");
}

#[tokio::test]
async fn of_a_flood_of_refusals_the_rest_is_a_number() {
    let folder = Folder::new("flood");
    let audit = Audit::to_file(folder.file("audit.log"), Arc::default()).unwrap();
    for _ in 0..500 {
        audit.note(&Entry::new(Actor::Nobody, Action::Login, Outcome::Refused("auth_failed")));
    }
    audit.note(&login("phone"));
    audit.flush().await;
    let all = lines(&fs::read_to_string(folder.file("audit.log")).unwrap());
    let refused = all.iter().filter(|line| line["outcome"] == "auth_failed").count();
    let lost: u64 = all.iter().filter(|line| line["action"] == "lost").map(|line| number(&line["object"])).sum();
    assert_eq!(refused as u64 + lost, 500);
    assert!((20..=100).contains(&refused), "{refused}: twenty a second");
    assert_eq!(all.iter().filter(|line| line["object"] == "phone").count(), 1, "what was done is always noted");
}

fn number(text: &Value) -> u64 {
    text.as_str().unwrap().parse().unwrap()
}

/// A disk that is full now and then.
struct Full(Arc<Mutex<(bool, String)>>);

impl Sink for Full {
    fn write(&mut self, lines: &str) -> io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        if disk.0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.1.push_str(lines);
        Ok(())
    }

    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_full_disk_loses_lines_and_tells_of_them_once_there_is_room() {
    let disk = Arc::new(Mutex::new((true, String::new())));
    let metrics = Arc::new(Metrics::new());
    let audit = Audit::over(Full(Arc::clone(&disk)), Arc::clone(&metrics)).unwrap();
    for _ in 0..3 {
        audit.note(&login("lost"));
        audit.flush().await;
    }
    assert!(metrics.render().contains("keepline_audit_lost_total 3\n"));
    disk.lock().unwrap().0 = false;
    audit.note(&login("kept"));
    audit.flush().await;
    let all = lines(&disk.lock().unwrap().1);
    let told: Vec<_> =
        all.iter().map(|line| (line["action"].as_str().unwrap(), line["object"].as_str().unwrap())).collect();
    assert_eq!(told, [("lost", "3"), ("login", "kept")]);
}

#[tokio::test]
async fn it_goes_on_in_a_new_file_where_the_old_one_was_moved() {
    let folder = Folder::new("moved");
    let (now, old) = (folder.file("audit.log"), folder.file("audit.log.1"));
    let audit = Audit::to_file(now.clone(), Arc::default()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let objects = |path: &Path| {
        let all = lines(&fs::read_to_string(path).unwrap());
        all.iter().map(|line| line["object"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(mode(&now), 0o600);
    audit.note(&login("one"));
    audit.flush().await;
    fs::rename(&now, &old).unwrap();
    audit.note(&login("two"));
    audit.reopen().await.unwrap();
    audit.note(&login("three"));
    audit.flush().await;
    assert_eq!(
        (objects(&old), objects(&now), mode(&now)),
        (vec!["one".into(), "two".into()], vec!["three".into()], 0o600)
    );
    // What can't be opened leaves the old one in use.
    fs::rename(&now, folder.file("audit.log.2")).unwrap();
    fs::create_dir(&now).unwrap();
    assert!(audit.reopen().await.is_err());
    audit.note(&login("four"));
    audit.flush().await;
    assert_eq!(objects(&folder.file("audit.log.2")), ["three", "four"]);
    let error = Audit::to_file(now.clone(), Arc::default()).unwrap_err().to_string();
    assert!(error.contains("audit.log: Is a directory"), "{error}");
}

#[tokio::test]
async fn a_line_that_was_torn_is_ended_before_the_next() {
    let folder = Folder::new("torn");
    let path = folder.file("audit.log");
    fs::write(&path, "{\"at\":\"20").unwrap();
    let audit = Audit::to_file(path.clone(), Arc::default()).unwrap();
    audit.note(&login("phone"));
    audit.flush().await;
    let text = fs::read_to_string(&path).unwrap();
    let (torn, whole) = text.split_once('\n').unwrap();
    assert_eq!((torn, lines(whole).len()), ("{\"at\":\"20", 1));
}

#[tokio::test]
async fn without_a_file_nothing_is_noted_and_nobody_waits() {
    let audit = Audit::off();
    audit.note(&login("phone"));
    audit.flush().await;
    audit.reopen().await.unwrap();
}
