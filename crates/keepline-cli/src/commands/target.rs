//! Target: whom a message is for, as people write it.

use std::str::FromStr;

use keepline_server::conversation::Conversation;
use keepline_server::id::{GroupId, UserId};

/// What the help says about it.
pub(crate) const HELP: &str = "NAME or @NAME: a user; #GROUP or g.GROUP: a group; all: every user of the server; \
                               p.NAME.NAME: a private conversation by its name";

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    User(UserId),
    Conversation(Conversation),
}

impl Target {
    /// The conversation with him, seen by `me`.
    ///
    /// # Errors
    /// `me` is no user's name: the server said something strange.
    pub(crate) fn of(&self, me: &str) -> Result<String, String> {
        let conversation = match self {
            Self::Conversation(conversation) => conversation.clone(),
            Self::User(other) => {
                let me: UserId = me.parse().map_err(|error| format!("{me}: {error}"))?;
                Conversation::private(me, other.clone())
            }
        };
        Ok(conversation.to_string())
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let said = |error: &dyn std::fmt::Display| format!("{error}; {HELP}");
        if let Some(group) = text.strip_prefix('#') {
            let group: GroupId = group.parse().map_err(|error| said(&error))?;
            return Ok(Self::Conversation(Conversation::Group(group)));
        }
        // No name has a dot in it.
        if text == "all" || text.contains('.') {
            return text.parse().map(Self::Conversation).map_err(|error| said(&error));
        }
        text.strip_prefix('@').unwrap_or(text).parse().map(Self::User).map_err(|error| said(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_write_it_is_one_conversation() {
        for (text, conversation) in [
            ("bob", "p.ann.bob"),
            ("@bob", "p.ann.bob"),
            ("aaron", "p.aaron.ann"),
            ("ann", "p.ann.ann"),
            ("@all", "p.all.ann"),
            ("all", "all"),
            ("#team", "g.team"),
            ("g.team", "g.team"),
            ("p.ann.bob", "p.ann.bob"),
        ] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.of("ann").as_deref(), Ok(conversation), "{text}");
        }
        for bad in ["", "@", "#", "a b", "g.", "p.bob.ann", "x.y", "#a.b", "张"] {
            assert!(bad.parse::<Target>().unwrap_err().contains("#GROUP"), "{bad}");
        }
    }
}
