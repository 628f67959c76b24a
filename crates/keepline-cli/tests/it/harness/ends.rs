//! Ends: our server and our client as processes, and the events that they print.

use std::net::SocketAddr;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::net::{Namespace, command};
use super::process::Process;

/// One event, and when it reached the test.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: Instant,
    pub(crate) json: Value,
}

impl Event {
    pub(crate) fn name(&self) -> &str {
        self.text("event")
    }

    #[track_caller]
    pub(crate) fn text(&self, key: &str) -> &str {
        self.json[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", self.json))
    }

    #[track_caller]
    pub(crate) fn number(&self, key: &str) -> u64 {
        self.json[key].as_u64().unwrap_or_else(|| panic!("no {key} in {}", self.json))
    }

    /// Since the start of the process that tells, by its own clock.
    pub(crate) fn own_time(&self) -> Duration {
        Duration::from_millis(self.number("at_ms"))
    }
}

/// What one of our processes tells.
pub(crate) struct Story {
    process: Process,
    events: Vec<Event>,
    /// Events before this one have been waited for.
    next: usize,
}

impl Story {
    fn start(name: &str, command: Command) -> Self {
        Self { process: Process::spawn(name, command), events: Vec::new(), next: 0 }
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// Everything read so far, waited for or passed over.
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// The next event that `is` what is wanted; those before it are passed over.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, what: &str, within: Duration, is: impl Fn(&Event) -> bool) -> Event {
        let by = Instant::now() + within;
        loop {
            while self.next < self.events.len() {
                self.next += 1;
                if is(&self.events[self.next - 1]) {
                    return self.events[self.next - 1].clone();
                }
            }
            assert!(self.read(by), "{what} did not come before the end; {}", self.told());
        }
    }

    #[track_caller]
    pub(crate) fn wait_for(&mut self, name: &str, within: Duration) -> Event {
        self.wait_until(name, within, |event| event.name() == name)
    }

    /// Waits until the process has ended by itself: how, and the counts it closed with.
    #[track_caller]
    pub(crate) fn finish(&mut self, within: Duration) -> (ExitStatus, Event) {
        let closed = self.wait_for("closed", within);
        (self.process.wait(within), closed)
    }

    #[track_caller]
    fn read(&mut self, by: Instant) -> bool {
        let Some(line) = self.process.next_line(by) else { return false };
        let json = serde_json::from_str(&line.text).unwrap_or_else(|error| panic!("{error}: {:?}", line.text));
        self.events.push(Event { at: line.at, json });
        true
    }

    fn told(&self) -> String {
        let events: Vec<String> = self.events.iter().map(|event| event.json.to_string()).collect();
        format!("{}\ntold: {}", self.process.complaint(), events.join("\n      "))
    }
}

fn keepline(place: Option<&Namespace>, end: &str, args: &str) -> Command {
    let mut command = command(place, env!("CARGO_BIN_EXE_keepline").as_ref());
    command.args(["echo", end, "--json"]).args(args.split_ascii_whitespace());
    command
}

/// `keepline echo serve --json`, listening.
pub(crate) struct Server {
    pub(crate) story: Story,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// On loopback, at a free port.
    #[track_caller]
    pub(crate) fn start(args: &str) -> Self {
        Self::start_in(None, args)
    }

    /// In a namespace, at its address and a free port.
    #[track_caller]
    pub(crate) fn start_in(place: Option<&Namespace>, args: &str) -> Self {
        let ip = place.map_or("127.0.0.1", |place| place.listen);
        let command = keepline(place, "serve", &format!("--listen {ip}:0 {args}"));
        let mut story = Story::start("keepline echo serve", command);
        let listening = story.wait_for("listening", super::PATIENCE);
        let mut address: SocketAddr = listening.text("address").parse().expect("an address");
        if let Some(place) = place {
            address.set_ip(place.address.into());
        }
        Self { story, address }
    }

    /// Asks it to end, and returns its counts.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Event {
        self.story.process.signal(rustix::process::Signal::TERM);
        let (status, closed) = self.story.finish(super::PATIENCE);
        assert!(status.success(), "{status}; {}", self.story.told());
        closed
    }
}

/// `keepline echo connect --json`.
pub(crate) struct Client {
    pub(crate) story: Story,
}

impl Client {
    #[track_caller]
    pub(crate) fn start(address: SocketAddr, args: &str) -> Self {
        Self::start_in(None, address, args)
    }

    #[track_caller]
    pub(crate) fn start_in(place: Option<&Namespace>, address: SocketAddr, args: &str) -> Self {
        let command = keepline(place, "connect", &format!("{address} {args}"));
        Self { story: Story::start("keepline echo connect", command) }
    }

    /// Waits for its end: all of its `messages` have their echoes.
    #[track_caller]
    pub(crate) fn finish(mut self, messages: u64) -> (Event, Vec<Event>) {
        let (status, closed) = self.story.finish(super::PATIENCE);
        assert!(status.success(), "{status}; {}", self.story.told());
        assert_eq!((closed.number("messages"), closed.number("echoes")), (messages, messages), "{}", self.story.told());
        (closed, self.story.events)
    }
}
