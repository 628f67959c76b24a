//! Im: the IM server as a process, and what its listeners and its log tell.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use keepline_witness::{Server, request};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use super::host::Host;
use super::net::{Namespace, command};
use super::people::{DEVICE, People};
use super::process::Process;
use super::{ADMIN_TOKEN, ADMIN_VARIABLE, PATIENCE, SCHEDULING, SLOT, ms};

/// `keepline serve`, listening.
pub(crate) struct Im {
    process: Process,
    /// Its public listeners, on loopback of its namespace.
    pub(crate) server: Server,
    /// Its long connections, as they are reached by the cable.
    pub(crate) by_cable: SocketAddr,
    /// On loopback of its namespace.
    pub(crate) admin: SocketAddr,
    pub(crate) cim_http: SocketAddr,
    /// What it said at its start.
    pub(crate) told: Value,
}

/// How a session ended, by the server's own account, and when the test read that.
#[derive(Clone, Debug)]
pub(crate) struct SessionEnd {
    pub(crate) at: Instant,
    pub(crate) user: String,
    /// With its side, as `silent (network side`.
    pub(crate) reason: String,
    /// Since the last byte was read.
    pub(crate) silence: Duration,
    /// All of it, for a person.
    pub(crate) report: String,
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// The most that was ever resident.
    pub(crate) peak: u64,
    pub(crate) address_space: u64,
}

impl Im {
    /// On loopback, or in a namespace, at free ports. cim's clients are served.
    #[track_caller]
    pub(crate) fn start(place: Option<&Namespace>, people: &People, args: &str) -> Self {
        let command = command(place, env!("CARGO_BIN_EXE_keepline").as_ref());
        Self::spawn(command, place, people, args)
    }

    /// On loopback, by a command that runs our binary with the arguments it is given.
    #[track_caller]
    pub(crate) fn start_by(command: Command, people: &People, args: &str) -> Self {
        Self::spawn(command, None, people, args)
    }

    /// On loopback, in a process that may have so many files open.
    #[track_caller]
    pub(crate) fn start_under(files: u32, people: &People) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_keepline")]);
        Self::spawn(command, None, people, "")
    }

    #[track_caller]
    fn spawn(mut command: Command, place: Option<&Namespace>, people: &People, args: &str) -> Self {
        let public = place.map_or("127.0.0.1", |place| place.listen);
        command.args(["serve", "--json", "--cim", "on", "--cim-http", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        if place.is_some() {
            // The cable is the test's own.
            command.arg("--allow-plaintext");
        }
        command.args(["--http", &format!("{public}:0"), "--tcp", &format!("{public}:0"), "--data"]).arg(people.data());
        if !args.contains("--limits") {
            // Crowds of one address, whose devices come again and again.
            command.args(["--limits", "proxied", "--logins-per-minute", "off"]);
        }
        if place.is_some() && !args.contains("--cim-from") {
            command.args(["--cim-from", "10.99.0.0/16"]);
        }
        command.args(args.split_ascii_whitespace()).env("RUST_LOG", "info").env("NO_COLOR", "1");
        command.env(ADMIN_VARIABLE, ADMIN_TOKEN);
        // Each end of a session is counted by its line.
        command.env("KEEPLINE_LOG__RATE", "off");
        let process = Process::spawn("keepline serve", command);
        let line = process.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", process.complaint()));
        let told: Value = serde_json::from_str(&line.text).expect("a line of JSON");
        let address = |name: &str| -> SocketAddr {
            let address = told[name].as_str().unwrap_or_else(|| panic!("no {name} in {told}"));
            address.parse().expect("an address")
        };
        let local = |name: &str| SocketAddr::from((Ipv4Addr::LOCALHOST, address(name).port()));
        let server = Server { http: local("http"), tcp: local("tcp") };
        let ip = place.map_or(Ipv4Addr::LOCALHOST, |place| place.address);
        let by_cable = SocketAddr::from((ip, server.tcp.port()));
        let (admin, cim_http) = (address("admin"), address("cim_http"));
        Self { process, server, by_cable, admin, cim_http, told }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.process.pid()
    }

    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) -> Instant {
        self.process.signal(signal)
    }

    /// The next end of a session.
    #[track_caller]
    pub(crate) fn session_end(&self, within: Duration) -> SessionEnd {
        let by = Instant::now() + within;
        loop {
            let line = self.process.next_complaint(by);
            let line = line.unwrap_or_else(|| panic!("no session ended within {within:?}; {}", self.complaint()));
            assert!(!line.text.contains("panicked"), "{}", self.complaint());
            if let Some(end) = session_end(line.at, &line.text) {
                return end;
            }
        }
    }

    /// The sessions of these users end in silence: each no earlier than the limit by the server's clock, and no later
    /// than that after `since`, when the last byte came through. Of each the time from `since`.
    #[track_caller]
    pub(crate) fn evictions(&self, count: usize, limit: Duration, since: Instant) -> Vec<Duration> {
        let mut took = Vec::new();
        for _ in 0..count {
            let end = self.session_end(limit + PATIENCE);
            assert!(end.reason.starts_with("silent"), "{}: {}", end.user, end.report);
            assert!(end.silence >= limit, "evicted early: {end:?}");
            let late = end.at.saturating_duration_since(since);
            assert!(late < limit + SLOT + SCHEDULING, "evicted after {late:?}: {end:?}");
            took.push(late);
        }
        took.sort_unstable();
        took
    }

    /// What the admin listener answers; `host` is in the server's namespace.
    #[track_caller]
    pub(crate) fn ask_admin(&self, host: &Host, path: &str) -> String {
        let (admin, path) = (self.admin, path.to_owned());
        let answer = host.run(async move { request(admin, "GET", &path, Some(ADMIN_TOKEN), None).await });
        let answer = answer.unwrap_or_else(|error| panic!("{error}; {}", self.complaint()));
        String::from_utf8(answer.body).expect("text")
    }

    /// How many sessions are live.
    #[track_caller]
    pub(crate) fn sessions(&self, host: &Host) -> u64 {
        let answer: Value = serde_json::from_str(&self.ask_admin(host, "/sessions")).expect("JSON");
        answer["total"].as_u64().unwrap_or_else(|| panic!("no total in {answer}"))
    }

    /// Whether every live session has everything, as the server counts it.
    #[track_caller]
    pub(crate) fn all_caught_up(&self, host: &Host) -> bool {
        let answer: Value = serde_json::from_str(&self.ask_admin(host, "/sessions")).expect("JSON");
        let sessions = answer["sessions"].as_array().unwrap_or_else(|| panic!("no sessions in {answer}"));
        sessions.iter().all(|session| session["caught_up"] == true)
    }

    /// The sum of a metric over the labels that contain `labels`.
    #[track_caller]
    pub(crate) fn metric(&self, host: &Host, name: &str, labels: &str) -> u64 {
        let text = self.ask_admin(host, "/metrics");
        let rows = text.lines().filter(|row| row.starts_with(name) && row.contains(labels));
        rows.filter_map(|row| row.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }

    /// Waits until that sum is as it should be.
    #[track_caller]
    pub(crate) fn wait_for_metric(&self, host: &Host, name: &str, labels: &str, is_right: impl Fn(u64) -> bool) {
        let by = Instant::now() + PATIENCE;
        loop {
            let now = self.metric(host, name, labels);
            if is_right(now) {
                return;
            }
            assert!(Instant::now() < by, "{name}{{{labels}}} stays {now}; {}", self.complaint());
            thread::sleep(ms(10));
        }
    }

    /// What `/v1` answers to a user.
    #[track_caller]
    pub(crate) fn get(&self, host: &Host, token: &str, path: &str) -> (u16, Value) {
        let (http, token, path) = (self.server.http, token.to_owned(), path.to_owned());
        let answer = host.run(async move { request(http, "GET", &path, Some(&token), None).await });
        let answer = answer.unwrap_or_else(|error| panic!("{error}; {}", self.complaint()));
        (answer.status, answer.json())
    }

    /// How many of these users are online.
    #[track_caller]
    pub(crate) fn online(&self, host: &Host, token: &str, users: &[String]) -> usize {
        let of = |users: &[String]| {
            let (status, answer) = self.get(host, token, &format!("/v1/presence?users={}", users.join(",")));
            assert_eq!(status, 200, "{answer}");
            let all = answer.as_array().expect("a list").clone();
            all.iter().filter(|one| one["online"] == json!(true)).count()
        };
        users.chunks(100).map(of).sum()
    }

    /// Of each conversation of a user, how many messages it has, and up to which his device has acknowledged them.
    #[track_caller]
    pub(crate) fn marks(&self, host: &Host, token: &str) -> Vec<(String, u64, u64)> {
        let (status, answer) = self.get(host, token, "/v1/conversations?limit=200");
        assert_eq!(status, 200, "{answer}");
        let number = |one: &Value, key: &str| one[key].as_str().and_then(|n| n.parse().ok()).expect("a number");
        let one = |one: &Value| {
            let name = one["conversation"].as_str().expect("a name").to_owned();
            (name, number(one, "head"), number(one, "delivered"))
        };
        answer["conversations"].as_array().expect("a list").iter().map(one).collect()
    }

    pub(crate) fn memory(&self) -> Memory {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero())).expect("it runs");
        let of = |name: &str| {
            let row = status.lines().find_map(|row| row.strip_prefix(name)).expect("the kernel says it");
            row.split_ascii_whitespace().next().and_then(|n| n.parse().ok()).expect("a number")
        };
        Memory { resident: of("VmRSS:"), peak: of("VmHWM:"), address_space: of("VmSize:") }
    }

    /// Ends it as at SIGTERM, and sees that nothing in it has panicked.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.process.signal(Signal::TERM);
        let status = self.process.wait(PATIENCE);
        while self.process.next_complaint(Instant::now() + PATIENCE).is_some() {}
        assert!(status.success(), "{status}; {}", self.complaint());
        let said = self.process.complaint();
        let panic = said.lines().find(|line| line.contains("panicked"));
        assert!(panic.is_none(), "{panic:?}");
    }

    /// All that it has written to stderr so far.
    pub(crate) fn log(&self) -> String {
        self.process.complaint()
    }

    /// The last of what it wrote to stderr.
    pub(crate) fn complaint(&self) -> String {
        let all = self.log();
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

/// The first frame of a client of version 1, for the device of everybody's token.
pub(crate) fn hello(token: &str) -> Vec<u8> {
    hello_of(token, DEVICE)
}

/// The same for a device of another name.
pub(crate) fn hello_of(token: &str, device: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (tag, field) in [(0x12, token), (0x1a, device)] {
        body.extend([tag, u8::try_from(field.len()).expect("a short field")]);
        body.extend_from_slice(field.as_bytes());
    }
    assert!(body.len() < 0x70, "its lengths are of one byte");
    let mut frame = vec![0x7d, 0x4b, 0x50, 0x4c, 0x31, 0x82, 0x01];
    frame.push(u8::try_from(body.len()).expect("a short hello"));
    frame.extend(body);
    frame.insert(0, u8::try_from(frame.len()).expect("a short frame"));
    frame
}

/// What a line of the log says of a session's end, if it is about one.
fn session_end(at: Instant, line: &str) -> Option<SessionEnd> {
    let (_, rest) = line.split_once("session ended ")?;
    let user = rest.split_once("user=")?.1.split(' ').next()?.to_owned();
    let report = rest.split_once("report=")?.1;
    let reason = report.split([')', ':']).next()?.to_owned();
    let silence = report.split_once("last byte in ")?.1.split_once(" ago")?.0;
    Some(SessionEnd { at, user, reason, silence: time(silence)?, report: report.to_owned() })
}

/// Reads a time as Rust prints one.
fn time(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "s" => 1.0,
        "ms" => 1e-3,
        "µs" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    };
    Some(Duration::from_secs_f64(digits.parse::<f64>().ok()? * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_session_is_read_from_the_log() {
        let line = "2026-11-22T03:00:00Z  INFO keepline_server::line: session ended session=7 user=u1 \
                    report=silent (network side: timed out), open 5.1s, last byte in 3.0005s ago, out 1.2ms ago";
        let end = session_end(Instant::now(), line).expect("one");
        assert_eq!((end.user.as_str(), end.reason.as_str()), ("u1", "silent (network side"));
        assert_eq!(end.silence, Duration::from_micros(3_000_500));
        assert!(session_end(Instant::now(), "anything else").is_none());
        assert_eq!(time("1.5ms"), Some(Duration::from_micros(1500)));
    }
}
