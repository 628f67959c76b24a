//! A model of the server's account against ours, over lines that end at any moment.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// What the server sends at most without an acknowledgement.
const WINDOW: u64 = 4;

/// One conversation at the server, and the two directions of the line.
#[derive(Debug, Default)]
struct Server {
    head: u64,
    /// Everything up to here was removed.
    trimmed: u64,
    /// The device's mark, as it is stored.
    mark: u64,
    acked: u64,
    sent: u64,
    down: VecDeque<Down>,
    up: VecDeque<Up>,
}

#[derive(Clone, Copy, Debug)]
enum Down {
    Deliver(u64),
    Gap(u64, u64),
}

#[derive(Clone, Copy, Debug)]
enum Up {
    Ack(u64),
    Resume(u64),
}

#[derive(Clone, Debug)]
enum Step {
    /// Somebody says something.
    Say,
    /// The oldest message is removed.
    Trim,
    /// The server sends what its window allows.
    Send,
    /// A frame arrives at the client, or at the server.
    Down,
    Up,
    /// The application is done with what it has, but for the last so many.
    Done(u64),
    /// The line ends and another is up.
    Cut,
    /// The device's mark is set back, or forward, behind the client's back; then somebody says something.
    Meddle(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Say),
        1 => Just(Step::Trim),
        4 => Just(Step::Send),
        6 => Just(Step::Down),
        6 => Just(Step::Up),
        4 => (0_u64..3).prop_map(Step::Done),
        1 => Just(Step::Cut),
        1 => (0_u64..20).prop_map(Step::Meddle),
    ]
}

impl Server {
    /// As `Session` does it: an acknowledgement of what was not sent on this line is nothing.
    fn hear(&mut self, said: Up) {
        match said {
            Up::Ack(seq) => {
                assert!(seq <= self.head, "an acknowledgement of {seq} breaks the protocol");
                if seq <= self.sent && seq > self.acked {
                    (self.acked, self.mark) = (seq, seq);
                }
            }
            Up::Resume(seq) => {
                if !(self.acked..=self.sent).contains(&seq) {
                    self.sent = seq;
                }
                (self.acked, self.mark) = (seq, seq);
            }
        }
    }

    fn send(&mut self) {
        if self.sent < self.trimmed {
            self.down.push_back(Down::Gap(self.sent + 1, self.trimmed));
            self.sent = self.trimmed;
        }
        while self.sent < self.head && self.sent - self.acked.min(self.sent) < WINDOW {
            self.sent += 1;
            self.down.push_back(Down::Deliver(self.sent));
        }
    }
}

/// What the application was given: each number once, as a message or as gone.
#[derive(Debug, Default)]
struct Application {
    last: u64,
    messages: u64,
}

impl Application {
    fn gone(&mut self, from: u64, to: u64) {
        assert_eq!(from, self.last + 1, "the next that is gone");
        assert!(to >= from);
        self.last = to;
    }

    fn message(&mut self, seq: u64) {
        assert_eq!(seq, self.last + 1, "the next message");
        self.last = seq;
        self.messages += 1;
    }
}

fn arrive(positions: &mut Positions, application: &mut Application, said: Down) {
    match said {
        Down::Deliver(seq) => {
            if let Arrival::New { gone } = positions.on_deliver(&all(), seq) {
                if let Some((from, to)) = gone {
                    application.gone(from, to);
                }
                application.message(seq);
            }
        }
        Down::Gap(from, to) => {
            if let Some((from, to)) = positions.on_gap(&all(), from, to) {
                application.gone(from, to);
            }
        }
    }
}

/// What the client has to say goes on the line.
fn speak(positions: &mut Positions, server: &mut Server) {
    while let Some(mark) = positions.next_resume() {
        server.up.push_back(Up::Resume(mark.seq));
        positions.resumed(&mark);
    }
    for mark in positions.unsaved().collect::<Vec<_>>() {
        positions.saved(&mark);
    }
    while let Some(mark) = positions.next_ack() {
        server.up.push_back(Up::Ack(mark.seq));
        positions.acked(&mark);
    }
}

fn cut(positions: &mut Positions, server: &mut Server) {
    server.down.clear();
    server.up.clear();
    (server.acked, server.sent) = (server.mark, server.mark);
    positions.on_up(1);
}

proptest! {
    #[test]
    fn each_number_comes_once_and_in_order_however_lines_end(steps in vec(step(), 1..300)) {
        let (mut server, mut application) = (Server::default(), Application::default());
        // The program's own marks begin at 0, so that the account is the client's from the start.
        let mut positions = Positions::load([mark("all", 1, 0)]);
        positions.on_up(1);
        let finish = [Step::Send, Step::Down, Step::Down, Step::Up, Step::Up, Step::Done(0)];
        let rounds = std::iter::once(Step::Cut).chain(finish.into_iter().cycle().take(6 * 400));
        for step in steps.into_iter().chain(rounds) {
            match step {
                Step::Say => server.head += 1,
                Step::Trim => server.trimmed = (server.trimmed + 1).min(server.head),
                Step::Send => server.send(),
                Step::Down => if let Some(said) = server.down.pop_front() {
                    arrive(&mut positions, &mut application, said);
                },
                Step::Up => if let Some(said) = server.up.pop_front() { server.hear(said) },
                Step::Done(less) => positions.done(&mark("all", 1, application.last.saturating_sub(less))),
                Step::Cut => cut(&mut positions, &mut server),
                Step::Meddle(seq) => {
                    server.mark = seq.min(server.head);
                    cut(&mut positions, &mut server);
                    server.head += 1;
                }
            }
            speak(&mut positions, &mut server);
        }
        prop_assert_eq!(application.last, server.head, "{:?}", server);
        prop_assert_eq!(server.mark, server.head, "all is acknowledged in the end: {:?}", positions);
        prop_assert!(positions.is_settled());
    }
}
