//! Peer: cim's clients in one Java process, and what each of them has told.

use std::mem::take;
use std::thread::panicking;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use super::server::Server;
use super::user::User;
use crate::harness::{Java, Namespace, PATIENCE, Process};

/// The process, and the lines that it has told.
pub(super) struct Peer {
    process: Process,
    events: Vec<Told>,
}

struct Told {
    json: Value,
    /// A test has asked for it.
    taken: bool,
}

impl Peer {
    #[track_caller]
    pub(super) fn start(java: &Java, server: &Server<'_>, flags: &str) -> Self {
        Self::start_in(None, java, server, flags)
    }

    #[track_caller]
    pub(super) fn start_in(place: Option<&Namespace>, java: &Java, server: &Server<'_>, flags: &str) -> Self {
        let process = java.spawn_in(place, "CimPeer", &format!("--route http://{} {flags}", server.http));
        Self { process, events: Vec::new() }
    }

    pub(super) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Ends the process as `kill -9` does.
    pub(super) fn kill(mut self) {
        self.process.signal(Signal::KILL);
        while self.read(Instant::now() + PATIENCE) {}
    }

    /// Gives a client a command.
    #[track_caller]
    pub(super) fn tell(&mut self, user: &User, command: &str) {
        self.process.say(&format!("as {} {command}", user.client));
    }

    /// Gives a command that makes one call, and waits for its reply.
    #[track_caller]
    pub(super) fn call(&mut self, user: &User, command: &str, path: &str, code: &str) -> Value {
        self.tell(user, command);
        self.reply(user, path, code)
    }

    /// The next reply to a call of this path.
    #[track_caller]
    pub(super) fn reply(&mut self, user: &User, path: &str, code: &str) -> Value {
        let reply =
            self.take(user, &format!("reply of {path}"), |json| json["event"] == "http" && json["path"] == path);
        let message = match code {
            "7000" => "You selected user is offline!, please try again later!",
            "9100" => "The User information you have used is incorrect!",
            _ => "Success",
        };
        assert_eq!([&reply["code"], &reply["message"]], [code, message], "{reply}");
        reply
    }

    /// The client's next event of this name.
    #[track_caller]
    pub(super) fn next(&mut self, user: &User, event: &str) -> Value {
        self.take(user, event, |json| json["event"] == event)
    }

    /// Ends the process. Fails if a client had a message that the test did not expect.
    #[track_caller]
    pub(super) fn finish(mut self) -> Vec<Value> {
        self.process.say("quit");
        let by = Instant::now() + PATIENCE;
        while self.read(by) {}
        let left: Vec<&Value> =
            self.events.iter().filter(|told| !told.taken && told.json["event"] == "message").map(|t| &t.json).collect();
        assert!(left.is_empty(), "messages that nobody expected: {left:#?}");
        let last = self.events.last().map(|told| &told.json["event"]);
        assert_eq!(last, Some(&"ended".into()), "{}", self.process.complaint());
        take(&mut self.events).into_iter().map(|told| told.json).collect()
    }

    /// The first event of this client that was not yet taken and fits; others keep for later.
    #[track_caller]
    fn take(&mut self, user: &User, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let by = Instant::now() + PATIENCE;
        let mut looked_at = 0;
        loop {
            for told in &mut self.events[looked_at..] {
                if !told.taken && told.json["as"] == user.client && fits(&told.json) {
                    told.taken = true;
                    return told.json.clone();
                }
            }
            looked_at = self.events.len();
            assert!(self.read(by), "the peer ended before {what} of {}; {}", user.client, self.process.complaint());
        }
    }

    /// Reads a line. What no cim client could live with fails the test at once.
    #[track_caller]
    fn read(&mut self, by: Instant) -> bool {
        let Some(line) = self.process.next_line(by) else { return false };
        let json: Value = serde_json::from_str(&line.text).unwrap_or_else(|error| panic!("{error}: {:?}", line.text));
        assert_ne!(json["event"], "error", "{json}");
        self.events.push(Told { json, taken: false });
        true
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if panicking() {
            let events: Vec<String> = self.events.iter().map(|told| told.json.to_string()).collect();
            println!("the clients told:\n{}", events.join("\n"));
        }
    }
}
