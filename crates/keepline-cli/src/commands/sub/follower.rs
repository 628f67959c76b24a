//! Follower: the line on which messages come, and what of its fate a person is told.

use std::sync::Arc;

use base64ct::{Base64, Encoding as _};
use keepline::Reason;
use keepline::im::{Chat, Cursors as _, Event, Events, InMemory, Kind, Mark, Options};

use crate::api::{self, Content, Message, Seq};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::note;
use crate::quantity::brief;
use crate::trust::Way;

/// A chat that only listens.
pub(super) struct Follower {
    way: Way,
    options: Options,
    chat: Chat,
    events: Events,
    /// Whether the line was down and is not up again.
    is_down: bool,
    was_up: bool,
}

/// What comes next.
pub(super) enum Next {
    Message(Message, Mark),
    /// For a person.
    News(String),
}

impl Follower {
    pub(super) fn start(way: Way, options: Options) -> Result<Self, Failure> {
        let (chat, events) = start(&way, options.clone())?;
        Ok(Self { way, options, chat, events, is_down: false, was_up: false })
    }

    /// Goes on behind these numbers of these conversations, whatever the server's account of the device is.
    ///
    /// # Errors
    /// The server does not let us in.
    pub(super) async fn skip(&mut self, heads: &[(String, u64)]) -> Result<(), Failure> {
        // The numbers mean something within an epoch only, which the server tells at the login.
        let epoch = loop {
            match self.event().await? {
                Event::Up(up) => {
                    self.was_up = true;
                    break up.epoch;
                }
                event => self.tell(&event),
            }
        };
        let mark =
            |(conversation, seq): &(String, u64)| Mark { conversation: conversation.as_str().into(), epoch, seq: *seq };
        let marks = InMemory::default();
        marks.save(&heads.iter().map(mark).collect::<Vec<_>>())?;
        self.chat.close().await;
        self.options.cursors = Some(Arc::new(marks));
        (self.chat, self.events) = start(&self.way, self.options.clone())?;
        Ok(())
    }

    /// The next message, or what there is to tell. Cancel-safe.
    ///
    /// # Errors
    /// The server does not let us in, or not again.
    pub(super) async fn next(&mut self) -> Result<Next, Failure> {
        loop {
            let event = self.event().await?;
            match &event {
                Event::Message(message) => return Ok(Next::Message(read(message), message.mark())),
                Event::Gap(gap) => self.chat.done(&gap.mark()),
                _ => {}
            }
            if let Some(news) = self.news(&event) {
                return Ok(Next::News(news));
            }
        }
    }

    /// A message is printed, with all before it in its conversation.
    pub(super) fn done(&self, mark: &Mark) {
        self.chat.done(mark);
    }

    /// Whether no try so far has led to a line.
    pub(super) const fn never_came_up(&self) -> bool {
        self.is_down && !self.was_up
    }

    /// Acknowledges what was printed, and ends.
    pub(super) async fn close(self) {
        self.chat.close().await;
    }

    async fn event(&mut self) -> Result<Event, Failure> {
        match self.events.next().await {
            Some(Event::Refused { reason }) => Err(refused(reason)),
            Some(event) => Ok(event),
            None => Err(refused(Reason::Bye)),
        }
    }

    fn tell(&mut self, event: &Event) {
        if let Some(news) = self.news(event) {
            note(&news);
        }
    }

    fn news(&mut self, event: &Event) -> Option<String> {
        match event {
            Event::Failed { endpoint, error, retry_in } => {
                self.is_down = true;
                Some(format!("no line to {endpoint}: {error}; again in {}", brief(*retry_in)))
            }
            Event::Down { reason, whose, retry_in, .. } => {
                self.is_down = true;
                let again = retry_in.map(|time| format!("; again in {}", brief(time))).unwrap_or_default();
                Some(format!("the line is down: {reason} ({} side){again}", whose.name()))
            }
            Event::Up(up) => {
                self.was_up = true;
                let was_down = std::mem::take(&mut self.is_down);
                was_down.then(|| format!("the line is up again, to {}", up.endpoint))
            }
            Event::Gap(gap) => Some(format!("{}: messages {} to {} are gone", gap.conversation, gap.from, gap.to)),
            Event::Reset(mark) => Some(format!("{}: the server counts anew, from {}", mark.conversation, mark.seq)),
            _ => None,
        }
    }
}

fn start(way: &Way, options: Options) -> Result<(Chat, Events), Failure> {
    way.chat(options).map_err(|error| Failure { exit: Exit::Failed, message: error.to_string() })
}

fn refused(reason: Reason) -> Failure {
    let hint = match reason {
        Reason::AuthFailed => ": keepline token new gets another token",
        Reason::Replaced => ": another keepline sub of this user runs on this machine",
        _ => "",
    };
    Failure { exit: Exit::of_end(reason), message: format!("the server has ended it: {reason}{hint}") }
}

/// The message as the API writes it.
fn read(message: &keepline::im::Message) -> Message {
    let kind = match message.kind {
        Kind::Text => api::Kind::Text,
        Kind::Image => api::Kind::Image,
        Kind::File => api::Kind::File,
        _ => api::Kind::Custom,
    };
    let content = Content::new(kind, message.body.to_vec());
    // A text that is no UTF-8 is data, rather than changed.
    let as_data = || Content { kind, text: None, data: Some(Base64::encode_string(&message.body)) };
    Message {
        conversation: message.conversation.to_string(),
        seq: Seq(message.seq),
        id: message.id.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
        sender: message.sender.clone(),
        content: content.unwrap_or_else(as_data),
        at_ms: message.at_ms,
    }
}
