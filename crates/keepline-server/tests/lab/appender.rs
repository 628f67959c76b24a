//! Appender: a process that appends to a store and says what became of each message, until it is killed. The test
//! binary starts itself for it.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Write};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use keepline_server::id::MessageId;
use keepline_server::store::redb::{Options, Redb};
use keepline_server::store::{Answer, Append, Expected, LogName, Outcome, Store as _, StoreError};
use rustix::process::{Pid, Signal, kill_process_group};

/// Says to the child which folder its store is in, and how many messages it appends.
const FOLDER: &str = "KEEPLINE_LAB_FOLDER";
const COUNT: &str = "KEEPLINE_LAB_COUNT";

/// Messages under way at one time.
const OUTSTANDING: usize = 16;

/// The log that is trimmed as it grows, and how many records stay.
pub(crate) const TRIMMED: &str = "m.g.trimmed";
const STAY: u64 = 50;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It is stored, under this number of its log.
    Acked { number: u64, seq: u64 },
    /// For certain it is not.
    Refused { number: u64, full: bool },
    /// Nobody knows.
    Unknown { number: u64 },
    /// Its log of its own is gone.
    Forgotten { number: u64 },
}

/// Which log a message goes to.
pub(crate) fn log_of(number: u64) -> LogName {
    LogName::new(["m.all", "m.p.ann.bob", TRIMMED][number as usize % 3])
}

/// A log that one of 10 messages has beside: it has three records, and is forgotten a little later.
pub(crate) fn own_log_of(number: u64) -> Option<LogName> {
    number.is_multiple_of(10).then(|| LogName::new(&format!("t.{number}")))
}

/// What a message says: it can be told from its number.
pub(crate) fn body_of(number: u64) -> Bytes {
    Bytes::from(format!("{number}:").into_bytes().repeat(1 + number as usize % 40))
}

pub(crate) fn id_of(number: u64) -> MessageId {
    MessageId::new(u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes())
}

/// A request to append it.
pub(crate) fn message(number: u64) -> Append {
    Append { log: log_of(number), expected: Expected::Any, id: id_of(number), body: body_of(number) }
}

/// Appends `count` messages, and says what became of them in order.
async fn append(folder: &Path, count: u64, mut out: impl Write) -> io::Result<()> {
    let mut options = Options::default();
    options.reserve = 0;
    let store = Redb::open(folder, options).map_err(io::Error::other)?;
    // The test harness has begun a line of its own.
    writeln!(out)?;
    let mut outstanding = VecDeque::new();
    for number in 1..=count + OUTSTANDING as u64 {
        if number <= count {
            outstanding.push_back((number, store.append(message(number)), beside(&store, number)));
        }
        if outstanding.len() < OUTSTANDING && number <= count {
            continue;
        }
        let Some((number, call, forget)) = outstanding.pop_front() else { break };
        match call.await {
            Ok(Outcome::Appended(seq)) => {
                if log_of(number).as_str() == TRIMMED && seq.is_multiple_of(100) {
                    // Whether that works is not what is tested here.
                    drop(store.trim(&log_of(number), seq - STAY).await);
                }
                writeln!(out, "acked {number} {seq}")?;
            }
            Ok(Outcome::Unknown) => writeln!(out, "unknown {number}")?,
            Ok(other) => panic!("{number}: {other:?}"),
            Err(error) => {
                let why = if error == StoreError::Full { "full" } else { "broken" };
                writeln!(out, "refused {number} {why}")?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        if let Some((number, forget)) = forget
            && forget.await.is_ok()
        {
            writeln!(out, "forgotten {number}")?;
        }
        out.flush()?;
    }
    store.close().await;
    Ok(())
}

/// Makes the log that a message may have beside, and forgets that of an earlier one, which is on the disk by now; in the
/// same transactions as other messages.
fn beside(store: &Redb, number: u64) -> Option<(u64, Answer<()>)> {
    if let Some(log) = own_log_of(number) {
        for number in 0..3 {
            // Whether that works is not what is tested here.
            drop(store.append(Append { log: log.clone(), ..message(number) }));
        }
    }
    let earlier = number.checked_sub(OUTSTANDING as u64).filter(|earlier| *earlier > 0)?;
    Some((earlier, store.forget(&own_log_of(earlier)?)))
}

/// The child's life, if this process is one; else the same in this process, to see that it says what it did.
#[test]
fn an_appender_says_what_it_did() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
    if let Some(folder) = std::env::var_os(FOLDER) {
        let count = std::env::var(COUNT).unwrap().parse().unwrap();
        // Past the test harness, which keeps what a test prints to itself.
        return runtime.block_on(append(Path::new(&folder), count, io::stdout())).unwrap();
    }
    let folder = super::disk::Folder::new();
    let mut out = Vec::new();
    runtime.block_on(append(folder.path(), 500, &mut out)).unwrap();
    let said: Vec<_> = String::from_utf8(out).unwrap().lines().filter_map(parse).collect();
    let (acked, forgotten): (Vec<_>, Vec<_>) = said.iter().partition(|said| matches!(said, Said::Acked { .. }));
    assert_eq!((acked.len(), forgotten.len()), (500, 48));
    assert!(forgotten.iter().all(|said| matches!(said, Said::Forgotten { .. })), "{said:?}");
    super::verdict::judge(folder.path(), &said).assert_nothing_lost("a whole run");
}

fn parse(line: &str) -> Option<Said> {
    let mut words = line.split(' ');
    let (word, number) = (words.next()?, words.next()?.parse().ok()?);
    match (word, words.next()) {
        ("acked", Some(seq)) => Some(Said::Acked { number, seq: seq.parse().ok()? }),
        ("refused", Some(why)) => Some(Said::Refused { number, full: why == "full" }),
        ("unknown", None) => Some(Said::Unknown { number }),
        ("forgotten", None) => Some(Said::Forgotten { number }),
        _ => None,
    }
}

/// A running appender. Killed when it is dropped.
pub(crate) struct Appender {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Appender {
    /// Starts one on a store in `folder`; `under` is what runs it: nothing, or `strace` with its flags.
    pub(crate) fn start(folder: &Path, count: u64, under: &[&str]) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut command = match under {
            [] => Command::new(&this),
            [program, arguments @ ..] => {
                let mut command = Command::new(program);
                command.args(arguments).arg(&this);
                command
            }
        };
        command.args(["--exact", "appender::an_appender_says_what_it_did", "--nocapture", "--test-threads=1"]);
        command.env(FOLDER, folder).env(COUNT, count.to_string()).env("RUST_BACKTRACE", "0");
        // A group of its own: strace, killed alone, would let go of what it runs.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// What it says until `enough`, or until it ends.
    pub(crate) fn listen(&mut self, mut enough: impl FnMut(&[Said]) -> bool) -> Vec<Said> {
        let (mut said, mut line) = (Vec::new(), String::new());
        while !enough(&said) {
            line.clear();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                break;
            }
            // A line without its end was cut by the kill.
            said.extend(line.strip_suffix('\n').and_then(parse));
        }
        said
    }

    pub(crate) fn kill(&mut self) {
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.child.wait().unwrap();
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        self.kill();
    }
}
