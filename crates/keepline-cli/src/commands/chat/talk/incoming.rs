//! Incoming: what the line tells.

use std::io;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

use keepline::Reason;
use keepline::im::{Event, Message, Up};

use super::{Heard, Step, Talk};
use crate::commands::chat::clock;
use crate::commands::chat::emoji;
use crate::commands::chat::place;
use crate::exit::Exit;
use crate::quantity::brief;

impl Talk {
    /// Shows an event. A message counts as mine once it was shown and handed to the journal.
    pub(super) async fn hear(&mut self, event: Event) -> Step {
        match event {
            Event::Message(message) => self.show(&message).await?,
            Event::Gap(gap) => {
                let label = place::label_of(&gap.conversation, &self.me);
                let line = format!("* the messages {} to {} of {label} are gone", gap.from, gap.to);
                self.screen.say(line).await?;
                self.chat.done(&gap.mark());
            }
            Event::Reset(mark) => {
                let label = place::label_of(&mark.conversation, &self.me);
                self.screen.say(format!("* the server counts the messages of {label} anew")).await?;
            }
            Event::Up(up) => self.came_up(&up).await?,
            // The prompt counts the attempts after the first.
            Event::Failed { endpoint, error, .. } if self.line != Heard::Failing => {
                self.line = Heard::Failing;
                self.screen.say(format!("* no connection to {endpoint}: {error}; trying on")).await?;
            }
            Event::Down { reason, whose, retry_in, .. } => {
                self.line = Heard::Down;
                let then = retry_in.map_or_else(String::new, |after| format!("; next try in {}", brief(after)));
                let line = format!("* the line is down: {} ({} side){then}", reason.name(), whose.name());
                self.screen.say(line).await?;
            }
            Event::GoAway { retry_after, .. } => {
                let line = format!("* the server will stop, and be back in {} at the earliest", brief(retry_after));
                self.screen.say(line).await?;
            }
            Event::Missed(count) => self.screen.say(format!("* {count} events of the line were not shown")).await?,
            Event::Refused { reason } => {
                self.screen.say(format!("* the chat is over: {}", sentence(reason))).await?;
                return Ok(Break(Exit::of_end(reason)));
            }
            Event::Closed => return Ok(Break(Exit::Ok)),
            // The prompt tells what there is to tell.
            _ => {}
        }
        Ok(Continue(()))
    }

    async fn show(&mut self, message: &Message) -> io::Result<()> {
        // What this chat has sent, it has shown.
        if !self.sends.comes_back(message.id) {
            let (label, at) = (place::label_of(&message.conversation, &self.me), clock::of_ms(message.at_ms));
            let text = match message.kind {
                keepline::im::Kind::Text => message.text().into_owned(),
                kind => format!("[{kind:?}, {} bytes]", message.body.len()).to_lowercase(),
            };
            let line =
                format!("{} [{label}] {}: {}", clock::short(at, clock::now()), message.sender, emoji::shown(&text));
            self.screen.say(line).await?;
            if let Some(journal) = &self.journal {
                journal.note(at, &label, &message.sender, &text);
            }
            self.names.add_user(&message.sender);
            // A script is no person.
            if !self.screen.is_pipe() {
                self.shown.insert(Arc::clone(&message.conversation), message.mark());
            }
        }
        self.chat.done(&message.mark());
        Ok(())
    }

    async fn came_up(&mut self, up: &Up) -> io::Result<()> {
        let back = self.line != Heard::Nothing && self.chat.state().reconnects > 0;
        self.line = Heard::Up;
        let what = if back { "the line is back" } else { "connected" };
        // Only where there is a Tab key.
        if !self.screen.is_pipe() {
            self.names.refresh(&self.api);
        }
        let Up { node, endpoint, user, session, .. } = up;
        let node: Arc<str> = Arc::clone(node);
        self.screen.say(format!("* {what}: {user} at {node}, {endpoint}, session {session}")).await
    }
}

/// Why a chat does not go on, for a person.
fn sentence(reason: Reason) -> String {
    match reason {
        Reason::AuthFailed => "the server does not take the token: start again to get another".to_owned(),
        Reason::Replaced => "another chat of this user began on this device".to_owned(),
        Reason::Kicked => "the session was ended, by you or by who runs the server".to_owned(),
        reason => reason.name().to_owned(),
    }
}
