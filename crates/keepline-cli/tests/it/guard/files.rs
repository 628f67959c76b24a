//! Files: row C1: a running server whose limit of open files is lowered to a few more than it has.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::Instant;

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};

use super::place::{Word, connect, login, place};
use crate::harness::{Host, Im, PATIENCE, People, is_closed, ms, user};

/// Files that may be opened beyond those that are.
const LEFT: u64 = 10;
/// The limit is one of numbers: a file that has a number beyond it leaves a place to another.
const MOST: u64 = LEFT + 5;
const KNOCKING: u8 = 100;

/// What a process has used of the CPU, in ticks of 10 ms.
fn ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    [11, 12].iter().map(|i| fields[*i].parse::<u64>().expect("ticks")).sum()
}

#[test]
fn c1_without_files_who_knocks_is_turned_away_and_who_is_in_stays() {
    let (people, host) = (People::crowd(20, &[]), Host::here());
    let im = Im::start(None, &people, "--limits default");
    let pid = im.pid().as_raw_nonzero().get();
    let mut inside: Vec<_> = (0..10)
        .map(|i| match login(place(i), &im, people.token(&user(i.into())), "phone") {
            Word::Welcome(stream) => stream,
            other => panic!("{other:?}"),
        })
        .collect();
    let open = fs::read_dir(format!("/proc/{pid}/fd")).expect("it runs").count() as u64;
    let usual = getrlimit(Resource::Nofile);
    let limit = Rlimit { current: Some(open + LEFT), ..usual };
    prlimit(Some(im.pid()), Resource::Nofile, limit).expect("it is our child");

    let begin = (Instant::now(), ticks(pid));
    let mut knocking: Vec<TcpStream> = (0..KNOCKING).map(|i| connect(place(50 + i / 4), im.server.tcp)).collect();
    // Who comes while it pauses waits for its end: at most a second.
    let by = Instant::now() + PATIENCE;
    let mut kept = knocking.len() as u64;
    while kept > MOST {
        assert!(Instant::now() < by, "{kept} of {KNOCKING} are not turned away, {LEFT} files were left");
        knocking.retain_mut(|stream| !is_closed(stream, ms(5)));
        kept = knocking.len() as u64;
    }
    let told = u64::from(KNOCKING) - kept;
    let used = (ticks(pid) - begin.1) as f64 / 100.0 / begin.0.elapsed().as_secs_f64();
    println!("{told} of {KNOCKING} were turned away, {kept} let in; {:.0} % of a core", used * 100.0);
    assert!(used < 0.5, "{used} of a core");
    assert!(!inside.iter_mut().any(|stream| is_closed(stream, ms(1))), "who is in stays");

    drop(knocking);
    prlimit(Some(im.pid()), Resource::Nofile, usual).expect("it is our child");
    let by = Instant::now() + PATIENCE;
    let _again = loop {
        if let Word::Welcome(stream) = login(place(9), &im, people.token("u11"), "phone") {
            break stream;
        }
        assert!(Instant::now() < by, "it does not accept again");
        thread::sleep(ms(50));
    };
    im.wait_for_metric(&host, "keepline_accept_errors_total", "", |count| count >= 1);
    assert_eq!(im.sessions(&host), 11, "nobody who was in has left");
    let errors = im.metric(&host, "keepline_accept_errors_total", "");
    assert!(errors < 100, "{errors} failed accepts: it spins");
    println!("{errors} failed accepts");
    im.stop();
}
