//! Obey: what each command does.

use std::io;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

use keepline_server::conversation::Conversation;

use super::{Step, Talk};
use crate::api::{Api, ApiError};
use crate::commands::chat::catalogue;
use crate::commands::chat::clock;
use crate::commands::chat::command::Command;
use crate::commands::chat::emoji;
use crate::commands::chat::journal::Journal;
use crate::commands::chat::parrot;
use crate::commands::chat::place;
use crate::commands::chat::questions::{self, Answer};
use crate::commands::chat::report;
use crate::commands::chat::style::Line;
use crate::exit::Exit;

impl Talk {
    /// Does what a line asks for; one that asks for nothing sensible is answered with a sentence.
    pub(super) async fn obey(&mut self, line: &str) -> Step {
        match Command::read(line) {
            Ok(Command::Quit) => return Ok(Break(Exit::Ok)),
            Ok(Command::Say(text)) if self.ai => self.screen.say(parrot::answer(&text)).await?,
            Ok(Command::Say(text)) => {
                let place = self.place.clone();
                self.send(&place, &text).await?;
            }
            Ok(Command::Tell { user, text }) => {
                let place = Conversation::private(self.me.clone(), user);
                self.send(&place, &text).await?;
            }
            Ok(Command::To(target)) => match target.of(self.me.as_str()).map(|name| name.parse()) {
                Ok(Ok(place)) => self.go_to(place).await?,
                Ok(Err(error)) => self.screen.say(format!("there is no such place: {error}")).await?,
                Err(error) => self.screen.say(format!("there is no such place: {error}")).await?,
            },
            Ok(command) => match self.known_here(&command) {
                Some(lines) => self.say_all(lines).await?,
                None => self.ask_for(command),
            },
            Err(mistake) => {
                self.refused = true;
                self.screen.say(mistake.to_string()).await?;
            }
        }
        Ok(Continue(()))
    }

    async fn say_all(&self, lines: Vec<Line>) -> io::Result<()> {
        for line in lines {
            self.screen.say(line).await?;
        }
        Ok(())
    }

    /// The answer to a command for which nobody has to be asked.
    fn known_here(&mut self, command: &Command) -> Option<Vec<Line>> {
        let lines = match command {
            Command::Help(name) => {
                let entry = name.and_then(catalogue::find);
                catalogue::help(entry).into_iter().map(Line::from).collect()
            }
            Command::Ai(on) => {
                self.ai = *on;
                vec![if *on { parrot::HELLO } else { parrot::BYE }.into()]
            }
            Command::Emoji(number) => match emoji::page(*number) {
                Some(page) => page.into_iter().map(Line::from).collect(),
                None => vec![format!("the last page is {}", emoji::pages().saturating_sub(1)).into()],
            },
            Command::Info => report::info(&self.me, &self.server, &self.chat.state()),
            Command::Why => report::why(&self.chat.timeline(), &self.pauses, self.chat.state().terms, clock::now()),
            Command::Trace(name) => self.trace(name.as_deref()),
            Command::Leave(None) if !matches!(self.place, Conversation::Group(_)) => {
                vec![format!("{} is no group: say which one, as :leave GROUP", self.label()).into()]
            }
            _ => return None,
        };
        Some(lines)
    }

    fn trace(&self, name: Option<&str>) -> Vec<Line> {
        match (self.sends.find(name), name) {
            (Some(sent), _) => {
                let label = place::label_of(&sent.conversation, &self.me);
                sent.story(&label, clock::now()).into_iter().map(Line::from).collect()
            }
            (None, Some(name)) => vec![format!("{name} is no message of mine in this chat, or one of long ago").into()],
            (None, None) => vec!["nothing was sent in this chat yet".into()],
        }
    }

    /// Asks the server, or the disk; the loop takes the answer.
    fn ask_for(&mut self, command: Command) {
        let (me, place) = (self.me.clone(), self.place.clone());
        let current = self.chat.state().login.map(|login| login.session);
        match command {
            Command::Search(words) => self.search(words),
            Command::Online => self.ask(async |api| questions::online(&api, "").await),
            Command::Begins(begin) => self.ask(async move |api| questions::online(&api, &begin).await),
            Command::Who(group) => {
                let place = group.map_or(place, Conversation::Group);
                self.ask(async move |api| questions::who(&api, &place).await);
            }
            Command::Join { group, users } => {
                self.ask(async move |api| questions::join(&api, &me, group, users).await);
            }
            Command::Leave(group) => {
                let group = group.or(if let Conversation::Group(group) = place { Some(group) } else { None });
                // Without a group it was answered before.
                if let Some(group) = group {
                    self.ask(async move |api| questions::leave(&api, &me, group).await);
                }
            }
            Command::Groups => self.ask(async |api| questions::groups(&api).await),
            Command::History(count) => {
                self.ask(async move |api| questions::history(&api, &me, &place, count).await);
            }
            Command::Later { text, after } => {
                self.ask(async move |api| questions::schedule(&api, &me, &place, &text, after).await);
            }
            Command::Schedules => self.ask(async move |api| questions::schedules(&api, &me).await),
            Command::Cancel(begin) => self.ask(async move |api| questions::cancel(&api, &begin).await),
            Command::Kick(None) => self.ask(async move |api| questions::sessions(&api, current).await),
            Command::Kick(Some(whom)) => {
                self.ask(async move |api| questions::kick(&api, &me, current, &whom).await);
            }
            // Done before.
            Command::Say(_)
            | Command::Tell { .. }
            | Command::Help(_)
            | Command::Info
            | Command::Ai(_)
            | Command::Emoji(_)
            | Command::Quit
            | Command::To(_)
            | Command::Why
            | Command::Trace(_) => {}
        }
    }

    fn ask<F>(&mut self, question: impl FnOnce(Arc<Api>) -> F)
    where
        F: Future<Output = Result<Answer, ApiError>> + Send + 'static,
    {
        let asked = question(Arc::clone(&self.api));
        self.question = Some(Box::pin(async move { asked.await.map_err(|error| error.to_string()) }));
    }

    fn search(&mut self, words: String) {
        let Some(journal) = self.journal.clone() else {
            let answer = Answer::from("no history is kept here: set HOME or XDG_STATE_HOME");
            self.question = Some(Box::pin(async { Ok(answer) }));
            return;
        };
        let look = move || {
            journal.flush();
            Journal::search(journal.folder(), &words).map_err(|error| format!("the history can't be read: {error}"))
        };
        self.question = Some(Box::pin(async move {
            let found = tokio::task::spawn_blocking(look).await.map_err(|error| error.to_string())??;
            let more = (found.more > 0).then(|| Line::from(format!("and {} older lines", found.more)));
            let answer: Answer = more.into_iter().chain(found.lines).collect();
            Ok(if answer.lines.is_empty() { "nothing was found".into() } else { answer })
        }));
    }
}
