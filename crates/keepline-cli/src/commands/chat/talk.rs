//! Talk: the one loop of the chat: what is typed, what comes in, and what becomes of what was sent.
//!
//! Whatever takes time, as a question to the server or a search, is a future that the loop polls beside its other
//! sources: messages go on coming in meanwhile. Only what is typed waits, so that commands are done in their order.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use keepline::im::{Chat, Events, Mark, SendState, Sending};
use keepline::serve::Stop;
use keepline_server::conversation::Conversation;
use keepline_server::id::UserId;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::clock;
use super::journal::Journal;
use super::names::Names;
use super::pauses::Pauses;
use super::place;
use super::questions::{Answer, Then};
use super::screen::{Screen, Typed};
use super::sends::{self, Sends};
use super::status::{Line as LineStatus, Status};
use crate::api::Api;
use crate::exit::Exit;

mod incoming;
mod leave;
mod obey;

/// How often the prompt is looked at: it counts seconds.
const TICK: Duration = Duration::from_millis(200);

/// News of sent messages that wait for the loop.
const NEWS: usize = 64;

/// Messages of a script that may be unanswered while the line is not down: then it is read no further. What the server still
/// has to take at the end of the input is no more than it takes while the end waits.
const UNANSWERED: usize = 32;

/// One chat of one user.
pub(super) struct Talk {
    pub(super) me: UserId,
    /// The server's URL.
    pub(super) server: String,
    pub(super) api: Arc<Api>,
    pub(super) chat: Chat,
    pub(super) screen: Screen,
    pub(super) journal: Option<Arc<Journal>>,
    pub(super) names: Arc<Names>,
    /// Where what is typed goes.
    place: Conversation,
    /// Whether cim's AI answers instead.
    ai: bool,
    sends: Sends,
    news: (mpsc::Sender<News>, mpsc::Receiver<News>),
    followers: JoinSet<()>,
    /// What was asked and is not answered.
    question: Option<Question>,
    interrupted: bool,
    /// Whether something that was typed was refused, or not understood.
    refused: bool,
    line: Heard,
    pauses: Pauses,
    /// Up to where each conversation was shown since the person last typed: who types has read what stands above.
    shown: BTreeMap<Arc<str>, Mark>,
}

/// What was last said of the line, so that nothing is said twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Up,
    Down,
    /// No attempt since then has come about, which was said.
    Failing,
}

/// A message of mine by its number, and what has become of it.
type News = (u64, SendState);

type Question = Pin<Box<dyn Future<Output = Result<Answer, String>> + Send>>;

/// The loop goes on, or the chat ends so.
type Step = io::Result<ControlFlow<Exit>>;

/// What a chat is made of.
pub(super) struct Parts {
    pub(super) me: UserId,
    pub(super) server: String,
    pub(super) api: Arc<Api>,
    pub(super) chat: Chat,
    pub(super) screen: Screen,
    pub(super) journal: Option<Arc<Journal>>,
    pub(super) names: Arc<Names>,
}

impl Talk {
    pub(super) fn new(parts: Parts) -> Self {
        let Parts { me, server, api, chat, screen, journal, names } = parts;
        Self {
            me,
            server,
            api,
            chat,
            screen,
            journal,
            names,
            place: Conversation::Everyone,
            ai: false,
            sends: Sends::default(),
            news: mpsc::channel(NEWS),
            followers: JoinSet::new(),
            question: None,
            interrupted: false,
            refused: false,
            line: Heard::Nothing,
            pauses: Pauses::default(),
            shown: BTreeMap::new(),
        }
    }

    /// Talks until the chat ends, and says how it did.
    ///
    /// # Errors
    /// Nobody reads what is said.
    pub(super) async fn run(
        mut self,
        mut events: Events,
        mut typed: mpsc::Receiver<Typed>,
        mut stop: Stop,
    ) -> io::Result<Exit> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let exit = loop {
            let step = tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.hear(event).await?,
                    None => Break(Exit::Failed),
                },
                Some((number, state)) = self.news.1.recv() => {
                    self.learn(number, state).await?;
                    Continue(())
                }
                answer = answered(&mut self.question) => {
                    self.question = None;
                    self.take(answer).await?;
                    Continue(())
                }
                line = typed.recv(), if self.question.is_none() && !self.holds_back() => self.read(line).await?,
                () = stop.next() => Break(Exit::Ok),
                _ = tick.tick() => {
                    self.pauses.look(SystemTime::now());
                    self.mind_the_journal().await?;
                    Continue(())
                }
            };
            self.screen.show(&self.status());
            while self.followers.try_join_next().is_some() {}
            if let Break(exit) = step {
                break exit;
            }
        };
        self.leave(exit, events, typed, stop).await
    }

    /// Whether a script is faster than its messages are stored. A person is not, and is told.
    fn holds_back(&self) -> bool {
        let may_come = matches!(self.line, Heard::Nothing | Heard::Up);
        self.screen.is_pipe() && may_come && self.sends.waiting() >= UNANSWERED
    }

    async fn read(&mut self, typed: Option<Typed>) -> Step {
        match typed {
            Some(Typed::Line(line)) => {
                self.interrupted = false;
                for (_, mark) in std::mem::take(&mut self.shown) {
                    self.chat.read(mark);
                }
                self.obey(&line).await
            }
            Some(Typed::Interrupt) if !self.interrupted => {
                self.interrupted = true;
                self.screen.say("once more leaves, as :q! does").await?;
                Ok(Continue(()))
            }
            Some(Typed::Interrupt | Typed::End) | None => Ok(Break(Exit::Ok)),
        }
    }

    /// Shows what a question gave, and does what follows of it.
    async fn take(&mut self, answer: Result<Answer, String>) -> io::Result<()> {
        self.refused |= answer.is_err();
        let answer = answer.unwrap_or_else(Answer::from);
        for line in answer.lines {
            self.screen.say(line).await?;
        }
        match answer.then {
            Then::Nothing => Ok(()),
            Then::GoTo(place) => self.go_to(place).await,
            Then::Left(group) => {
                self.names.forget_group(group.as_str());
                if self.place == Conversation::Group(group) {
                    self.go_to(Conversation::Everyone).await?;
                }
                Ok(())
            }
        }
    }

    async fn go_to(&mut self, place: Conversation) -> io::Result<()> {
        if let Conversation::Group(group) = &place {
            self.names.add_group(group.as_str());
        }
        self.place = place;
        self.screen.say(format!("you talk in {} now", self.label())).await
    }

    /// Hands a text to the library.
    async fn send(&mut self, place: &Conversation, text: &str) -> io::Result<()> {
        let name = place.to_string();
        let sending = match self.chat.send(name.as_str(), keepline::im::Kind::Text, text.to_owned()) {
            Ok(sending) => sending,
            Err(error) => {
                self.refused = true;
                return self.screen.say(format!("not sent: {error}")).await;
            }
        };
        let number = self.sends.note(sending.id(), &name, text, clock::now());
        self.followers.spawn(follow(number, sending, self.news.0.clone()));
        if matches!(self.line, Heard::Down | Heard::Failing) {
            self.announce(number).await?;
        }
        Ok(())
    }

    /// Says that a message waits, once.
    async fn announce(&mut self, number: u64) -> io::Result<()> {
        let now = clock::now();
        match self.sends.step(number, now, SendState::Waiting).filter(|sent| !sent.announced) {
            Some(sent) => {
                sent.announced = true;
                let line = format!("{} waits for the line", sent.title());
                self.screen.say(line).await
            }
            None => Ok(()),
        }
    }

    /// Notes what has become of a message, and says it where it matters.
    async fn learn(&mut self, number: u64, state: SendState) -> io::Result<()> {
        let now = clock::now();
        let tell_all = self.screen.is_pipe();
        let Some(sent) = self.sends.step(number, now, state.clone()) else { return Ok(()) };
        let label = place::label_of(&sent.conversation, &self.me);
        let word = sends::word(&state, now);
        let told = match state {
            SendState::Acknowledged(receipt) => {
                if let Some(journal) = &self.journal {
                    journal.note(clock::of_ms(receipt.at_ms), &label, self.me.as_str(), &sent.text);
                }
                tell_all || sent.announced
            }
            SendState::PutOff(_) => !std::mem::replace(&mut sent.announced, true),
            SendState::Refused(_) => {
                self.refused = true;
                true
            }
            // The end of the chat says it of all.
            SendState::Waiting | SendState::OnItsWay | SendState::Ended(_) => false,
        };
        if told {
            let line = format!("{} to {label}: {word}", sent.title());
            self.screen.say(line).await?;
        }
        Ok(())
    }

    async fn mind_the_journal(&self) -> io::Result<()> {
        match self.journal.as_ref().and_then(|journal| journal.trouble()) {
            Some(why) => self.screen.say(format!("the history is not kept: {why}")).await,
            None => Ok(()),
        }
    }

    fn label(&self) -> String {
        place::label(&self.place, &self.me)
    }

    fn status(&self) -> Status {
        let state = self.chat.state();
        Status { place: self.label(), line: LineStatus::of(&state.line), waiting: self.sends.waiting(), ai: self.ai }
    }
}

async fn answered(question: &mut Option<Question>) -> Result<Answer, String> {
    match question {
        Some(question) => question.await,
        None => pending().await,
    }
}

/// Tells each state of a message, up to its last word.
async fn follow(number: u64, mut sending: Sending, news: mpsc::Sender<News>) {
    while let Some(state) = sending.next_state().await {
        if news.send((number, state)).await.is_err() {
            return;
        }
    }
}
