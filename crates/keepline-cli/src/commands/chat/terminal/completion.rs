//! Completion: what Tab offers: commands, and the names behind them.

use std::sync::Arc;

use reedline::{Completer, CompletionResult, Span, Suggestion};

use crate::commands::chat::catalogue::COMMANDS;
use crate::commands::chat::names::Names;

/// Completes commands, users and groups.
pub(super) struct Completion {
    names: Arc<Names>,
}

impl Completion {
    pub(super) const fn new(names: Arc<Names>) -> Self {
        Self { names }
    }

    /// What the word before the cursor may become, and where it begins.
    fn offered(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = line.get(..at).unwrap_or(line);
        let begin = before.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let word = &before[begin..];
        let Some((command, _)) = before.split_once(char::is_whitespace) else {
            return (begin, self.first(word));
        };
        let offered = match command {
            ":to" => self.places(word),
            ":who" | ":leave" => self.groups(word),
            ":join" if before.split_whitespace().count() < 2 || (begin > 0 && before[..begin].trim() == ":join") => {
                self.groups(word)
            }
            ":join" | ":pu" | ":qu" => self.names.users(word),
            ":help" => commands(word),
            _ => Vec::new(),
        };
        (begin, offered)
    }

    /// A command, or whom a private message is for.
    fn first(&self, word: &str) -> Vec<String> {
        if word.starts_with(':') {
            return commands(word);
        }
        if word.is_empty() {
            return Vec::new();
        }
        self.names.users(word).into_iter().map(|name| format!("{name};;")).collect()
    }

    fn groups(&self, word: &str) -> Vec<String> {
        let begin = word.strip_prefix('#').unwrap_or(word);
        self.names.groups(begin).into_iter().map(|name| format!("#{name}")).collect()
    }

    fn places(&self, word: &str) -> Vec<String> {
        let mut places = if word.starts_with('@') { Vec::new() } else { self.groups(word) };
        if !word.starts_with('#') {
            let begin = word.strip_prefix('@').unwrap_or(word);
            places.extend(self.names.users(begin).into_iter().map(|name| format!("@{name}")));
            places.extend("all".starts_with(word).then(|| "all".to_owned()));
        }
        places
    }
}

fn commands(word: &str) -> Vec<String> {
    COMMANDS.iter().map(|entry| entry.name).filter(|name| name.starts_with(word)).map(str::to_owned).collect()
}

impl Completer for Completion {
    fn complete(&mut self, line: &str, at: usize) -> CompletionResult {
        let (begin, offered) = self.offered(line, at);
        let suggestion = |value: String| Suggestion {
            append_whitespace: !value.ends_with(";;"),
            value,
            span: Span::new(begin, at),
            ..Suggestion::default()
        };
        CompletionResult::fresh(offered.into_iter().map(suggestion).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_users_and_groups_are_completed() {
        let names = Arc::new(Names::default());
        for user in ["ann", "bob", "Bo"] {
            names.add_user(user);
        }
        for group in ["team", "tea"] {
            names.add_group(group);
        }
        let completion = Completion::new(names);
        for (line, begin, offered) in [
            (":wh", 0, &[":who", ":why"][..]),
            (":why", 0, &[":why"]),
            ("bo", 0, &["Bo;;", "bob;;"]),
            ("", 0, &[]),
            ("hello bo", 6, &[]),
            (":to te", 4, &["#tea", "#team"]),
            (":to @b", 4, &["@Bo", "@bob"]),
            (":to a", 4, &["@ann", "all"]),
            (":who #tea", 5, &["#tea", "#team"]),
            (":join t", 6, &["#tea", "#team"]),
            (":join team a", 11, &["ann"]),
            (":pu B", 4, &["Bo", "bob"]),
            (":help :wh", 6, &[":who", ":why"]),
            ("ä :w", 3, &[]),
        ] {
            let (at, given) = completion.offered(line, line.len());
            assert_eq!((at, given.iter().map(String::as_str).collect::<Vec<_>>()), (begin, offered.to_vec()), "{line}");
        }
        assert_eq!(completion.offered("ä", 1).0, 0, "a cursor within a character is none of ours");
    }
}
