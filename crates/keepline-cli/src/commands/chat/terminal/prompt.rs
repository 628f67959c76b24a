//! Shown: the prompt as the line editor asks for it, and as it was painted last.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use reedline::{Prompt, PromptEditMode, PromptHistorySearch};

use crate::commands::chat::screen::Board;

/// The prompt of one editing.
pub(super) struct Shown {
    board: Arc<Board>,
    last: Mutex<String>,
}

impl Shown {
    pub(super) fn new(board: Arc<Board>) -> Self {
        Self { board, last: Mutex::default() }
    }

    /// As it stands on the terminal.
    pub(super) fn last(&self) -> String {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn painted(&self, prompt: String) -> Cow<'_, str> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&prompt);
        Cow::Owned(prompt)
    }
}

impl Prompt for Shown {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        self.painted(self.board.prompt())
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }
}
