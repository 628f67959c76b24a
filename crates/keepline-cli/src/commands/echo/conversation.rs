//! Conversation: the client's run, from the first message to the last echo.

use std::net::SocketAddr;
use std::process::ExitCode;

use keepline::client::{Client, Event, Events, NotSent, Options, OptionsError, Verdict};
use keepline::serve::Stop;
use keepline::{Beat, Duration, Reason};
use tokio::time::{Instant, sleep_until};

use super::dial::{Dial, EchoPair};
use super::entry::Entry;
use super::gap::Gap;
use super::log::Log;
use super::queue::Queue;

/// What is to be said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) messages: u32,
    pub(super) gap: Gap,
    pub(super) seed: u64,
    /// How long echoes are waited for after the last gap.
    pub(super) patience: Duration,
    pub(super) netty_compatible: bool,
}

/// The client's run.
///
/// ```text
///            all is sent, and the last gap is over
///   Talking ───────────────────────────────────────▶ Waiting
///     │  ▲                                             │  │ the last echo has come, or patience is over
///     │  └─────────────────────────────────────────────┘  │
///     │ a signal     the line is lost: send again         │
///     └────────────────────▶ Closing ◀────────────────────┘
/// ```
///
/// Lines come and go meanwhile: that is the library's work. A message is sent when its predecessor's gap is over,
/// whether or not its echo has come: the Java server keeps echoes back until its next pong.
pub(super) struct Conversation {
    client: Client<EchoPair>,
    events: Events,
    dial: Dial,
    log: Log,
    stop: Stop,
    plan: Plan,
    queue: Queue,
    stage: Stage,
    /// The other end of the last line.
    peer: SocketAddr,
    /// Whether a line is there, as far as we know.
    up: bool,
    /// Heartbeats of this line that this end has sent.
    beats: u32,
    counts: Counts,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Talking { gap_over: Instant },
    Waiting { until: Instant },
    Closing,
}

#[derive(Debug, Default)]
struct Counts {
    lines: u64,
    pings: u64,
    pongs: u64,
    messages: u64,
    resent: u64,
    echoes: u64,
}

impl Conversation {
    /// Begins to connect.
    pub(super) fn begin(options: Options, plan: Plan, log: Log, stop: Stop) -> Result<Self, OptionsError> {
        let dial = Dial::default();
        let (client, events) =
            Client::new(dial.clone(), EchoPair { netty_compatible: plan.netty_compatible }, options)?;
        Ok(Self {
            client,
            events,
            peer: dial.last(),
            dial,
            log,
            stop,
            plan,
            queue: Queue::new(plan.messages),
            stage: Stage::Talking { gap_over: Instant::now() },
            up: false,
            beats: 0,
            counts: Counts::default(),
        })
    }

    /// Runs to the end; the exit code says how it went.
    pub(super) async fn run(mut self) -> ExitCode {
        let Plan { messages, gap, seed, .. } = self.plan;
        self.log.write(&Entry::Begin { messages, gap, seed }).await;
        let reason = loop {
            self.go_on().await;
            let due = self.due();
            let closing = self.is_closing();
            tokio::select! {
                biased;
                () = self.stop.next() => {
                    if closing {
                        break Reason::Bye;
                    }
                    self.close();
                }
                (position, verdict) = self.queue.verdict() => self.on_verdict(position, verdict).await,
                event = self.events.next() => match event {
                    Some(Event::Closed { reason }) => break reason,
                    Some(event) => self.on_event(event).await,
                    None => break Reason::Bye,
                },
                Some(unasked) = self.client.next_push(), if !closing => {
                    let text = String::from_utf8_lossy(&unasked);
                    self.log.write(&Entry::Unasked { peer: self.peer, text: &text }).await;
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
        };
        self.log.write(&Entry::Closed { reason: Some(reason), counts: &self.counts.list() }).await;
        self.log.flush().await;
        self.exit_code()
    }

    /// Does what is due, and moves on to the next stage.
    async fn go_on(&mut self) {
        if self.log.is_closed() && !self.is_closing() {
            self.close();
        }
        match self.stage {
            Stage::Talking { .. } if self.plan.messages == 0 => {}
            Stage::Talking { .. } => self.talk().await,
            Stage::Waiting { .. } if !self.queue.is_sent() => self.stage = Stage::Talking { gap_over: Instant::now() },
            Stage::Waiting { until } => {
                if self.queue.is_answered() || Instant::now() >= until {
                    self.close();
                }
            }
            Stage::Closing => {}
        }
    }

    /// Sends what is due.
    async fn talk(&mut self) {
        while let Stage::Talking { gap_over } = self.stage
            && Instant::now() >= gap_over
        {
            if self.queue.is_sent() {
                self.stage = Stage::Waiting { until: Instant::now() + self.plan.patience.to_std() };
                if self.queue.is_answered() {
                    self.close();
                }
            } else if self.can_send() {
                self.send().await;
            } else {
                return;
            }
        }
    }

    async fn send(&mut self) {
        let Some((position, again)) = self.queue.take() else { return };
        let text = Queue::text(position);
        self.log.write(&Entry::Message { peer: self.peer, text: &text }).await;
        let gap = self.plan.gap.draw(self.plan.seed, self.counts.messages + self.counts.resent);
        if again {
            self.counts.resent += 1;
        } else {
            self.counts.messages += 1;
        }
        self.queue.sent(position, self.client.send(text.into_bytes()));
        self.stage = Stage::Talking { gap_over: Instant::now() + gap.to_std() };
    }

    fn can_send(&self) -> bool {
        self.up && self.queue.has_room()
    }

    /// When there is something to do, if nothing happens before.
    fn due(&self) -> Option<Instant> {
        match self.stage {
            Stage::Talking { gap_over } if self.plan.messages > 0 && (self.queue.is_sent() || self.can_send()) => {
                Some(gap_over)
            }
            Stage::Waiting { until } => Some(until),
            _ => None,
        }
    }

    const fn is_closing(&self) -> bool {
        matches!(self.stage, Stage::Closing)
    }

    fn close(&mut self) {
        self.stage = Stage::Closing;
        self.client.close();
    }

    async fn on_verdict(&mut self, position: u32, verdict: Verdict<Vec<u8>>) {
        match verdict {
            Verdict::Answered(echo) => {
                let text = String::from_utf8_lossy(&echo);
                if text == Queue::text(position) {
                    self.counts.echoes += 1;
                    self.log.write(&Entry::Echo { peer: self.peer, text: &text }).await;
                } else {
                    // Whatever it is, it is not the echo of this message, which so stays without one.
                    self.log.write(&Entry::Unasked { peer: self.peer, text: &text }).await;
                }
            }
            Verdict::NotSent(NotSent::Full) => {
                // The peer takes nothing: give it the time that it would have had to answer.
                self.queue.again(position);
                if !self.is_closing() {
                    self.stage = Stage::Talking { gap_over: Instant::now() + self.plan.patience.to_std() };
                }
            }
            Verdict::NotSent(_) | Verdict::MaybeSent(_) => {
                self.queue.again(position);
                // Not to be tried again before the next line is up.
                self.up = false;
            }
        }
    }

    async fn on_event(&mut self, event: Event) {
        let peer = self.peer;
        match event {
            Event::Connecting { endpoint, attempt } => {
                self.log.write(&Entry::Connecting { endpoint: &endpoint, attempt }).await;
            }
            Event::Failed { endpoint, error, next_try } => {
                self.log.write(&Entry::Failed { endpoint: &endpoint, error: &error, next_try }).await;
            }
            Event::Up { endpoint } => {
                self.on_line();
                self.log.write(&Entry::Up { endpoint: Some(&endpoint), peer: self.peer }).await;
            }
            Event::Beat(beat) => self.on_beat(beat).await,
            Event::Suspect => self.log.write(&Entry::Suspect { peer }).await,
            Event::Down { report, next_try } => {
                self.up = false;
                self.log.write(&Entry::Down { peer, report: &report, next_try }).await;
            }
            Event::Missed(events) => {
                // One of them may have been the news of a line; if it was not, a message comes back as not sent.
                self.up = true;
                self.peer = self.dial.last();
                self.log.write(&Entry::Missed(events)).await;
            }
            _ => {}
        }
    }

    fn on_line(&mut self) {
        self.peer = self.dial.last();
        self.up = true;
        self.beats = 0;
        self.counts.lines += 1;
    }

    async fn on_beat(&mut self, beat: Beat) {
        let peer = self.peer;
        match beat {
            Beat::PingSent => {
                self.beats += 1;
                self.counts.pings += 1;
                self.log.write(&Entry::PingSent { peer, count: self.beats }).await;
            }
            Beat::PongReceived(round_trip) => {
                self.counts.pongs += 1;
                self.log.write(&Entry::PongReceived { peer, round_trip }).await;
            }
            Beat::PongSent => {
                self.beats += 1;
                self.log.write(&Entry::PingReceived { peer }).await;
                self.log.write(&Entry::PongSent { peer, count: self.beats }).await;
            }
            _ => {}
        }
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match &self.counts {
            Counts { lines: 0, .. } => 3,
            Counts { echoes, .. } if *echoes == u64::from(self.plan.messages) => 0,
            _ => 1,
        })
    }
}

impl Counts {
    const fn list(&self) -> [(&'static str, u64); 6] {
        [
            ("messages", self.messages),
            ("echoes", self.echoes),
            ("pings", self.pings),
            ("pongs", self.pongs),
            ("reconnects", self.lines.saturating_sub(1)),
            ("resent", self.resent),
        ]
    }
}
