//! Leave: the end of the chat: what was typed is sent, what was said is written, and what is open is told.

use std::io;
use std::time::Duration;

use keepline::im::{Events, LineState, SendState};
use keepline::serve::Stop;
use tokio::sync::mpsc;

use super::{Heard, Talk};
use crate::commands::chat::clock;
use crate::commands::chat::screen::Typed;
use crate::commands::chat::sends;
use crate::exit::Exit;

/// How long the end waits for what was sent to come back. It does so at once where it is stored at once.
const COMES_BACK: Duration = Duration::from_secs(1);

/// How long the end of the chat may take before it is told why.
const PATIENCE: Duration = Duration::from_millis(500);

impl Talk {
    /// Waits until what was typed has its answers, as long as the library does, or until Ctrl-C or a signal; then says
    /// what has none. It changes `Ok` into `Timeout`, and for a script into `Failed` if something was refused.
    pub(super) async fn leave(
        mut self,
        exit: Exit,
        mut events: Events,
        mut typed: mpsc::Receiver<Typed>,
        mut stop: Stop,
    ) -> io::Result<Exit> {
        let mut hurries = exit == Exit::Ok && self.await_own(&mut events, &mut typed, &mut stop).await?;
        drop(events);
        let mut patience = Box::pin(tokio::time::sleep(PATIENCE));
        let mut said = false;
        let chat = self.chat.clone();
        let mut closed = Box::pin(async move { chat.close().await });
        while !hurries {
            tokio::select! {
                () = &mut closed => break,
                Some((number, state)) = self.news.1.recv() => self.learn(number, state).await?,
                () = interrupted(&mut typed) => hurries = true,
                () = stop.next() => hurries = true,
                () = &mut patience, if !said => {
                    said = true;
                    if self.sends.waiting() > 0 {
                        let count = self.sends.waiting();
                        self.screen.say(format!("{count} messages wait for an answer; Ctrl-C does not wait")).await?;
                    }
                }
            }
            self.screen.show(&self.status());
        }
        drop(closed);
        self.hear_last_words().await?;
        // A person has seen it; a script has the code only.
        let failed = exit == Exit::Ok && self.refused && self.screen.is_pipe();
        let mut exit = if failed { Exit::Failed } else { exit };
        for line in self.unsent() {
            exit = if exit == Exit::Ok { Exit::Timeout } else { exit };
            self.screen.say(line).await?;
        }
        if let Some(journal) = self.journal.clone() {
            let flushed = tokio::task::spawn_blocking(move || journal.flush()).await;
            if !flushed.unwrap_or(false) {
                self.screen.say("the end of the history is not kept: the disk did not take it").await?;
            }
        }
        self.screen.close();
        Ok(exit)
    }

    /// Hears on until what was sent has come back, and is acknowledged: else the next chat would show it as news. Whether
    /// Ctrl-C or a signal does not let it.
    async fn await_own(
        &mut self,
        events: &mut Events,
        typed: &mut mpsc::Receiver<Typed>,
        stop: &mut Stop,
    ) -> io::Result<bool> {
        let mut over = Box::pin(tokio::time::sleep(COMES_BACK));
        while matches!(self.line, Heard::Nothing | Heard::Up) && self.sends.are_out() {
            tokio::select! {
                event = events.next() => {
                    let Some(event) = event else { break };
                    if self.hear(event).await?.is_break() {
                        break;
                    }
                }
                Some((number, state)) = self.news.1.recv() => self.learn(number, state).await?,
                () = interrupted(typed) => return Ok(true),
                () = stop.next() => return Ok(true),
                () = &mut over => break,
            }
            self.screen.show(&self.status());
        }
        Ok(false)
    }

    /// What has become of each message: the end of a chat gives each its last word. Those of one that was not waited for
    /// stay as they were.
    async fn hear_last_words(&mut self) -> io::Result<()> {
        let over = matches!(self.chat.state().line, LineState::Over { .. });
        while over && !self.followers.is_empty() {
            tokio::select! {
                Some((number, state)) = self.news.1.recv() => self.learn(number, state).await?,
                _ = self.followers.join_next() => {}
            }
        }
        while let Ok((number, state)) = self.news.1.try_recv() {
            self.learn(number, state).await?;
        }
        Ok(())
    }

    fn unsent(&self) -> Vec<String> {
        let now = clock::now();
        let line = |sent: &sends::Sent| {
            let state = sent.state().unwrap_or(&SendState::Waiting);
            format!("{}: {}", sent.title(), sends::word(state, now))
        };
        self.sends.unsent().map(line).collect()
    }
}

/// Ctrl-C; other words have no effect any more.
async fn interrupted(typed: &mut mpsc::Receiver<Typed>) {
    while let Some(typed) = typed.recv().await {
        if matches!(typed, Typed::Interrupt) {
            return;
        }
    }
    std::future::pending::<()>().await;
}
