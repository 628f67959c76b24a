//! Conversation: whom a message is for.

use std::fmt;
use std::str::FromStr;

use crate::id::{BadId, GroupId, UserId};
use crate::store::LogName;

/// Whom a message is for. Each has one log of its own, and one gap-free sequence.
///
/// As text, on the line, in the API and in the store: `p.<user>.<user>` with the users in the order of their bytes,
/// `g.<group>`, or `all`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "who a message goes to depends on it everywhere")]
pub enum Conversation {
    /// Between two users, the first of them first in the order of their bytes; or one with himself, for notes.
    Private(Pair),
    /// The members of a group.
    Group(GroupId),
    /// Every user of this server: cim's group chat.
    Everyone,
}

/// Two users in the order of their bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair(UserId, UserId);

impl Pair {
    /// Both of them.
    #[must_use]
    pub const fn users(&self) -> [&UserId; 2] {
        [&self.0, &self.1]
    }

    /// Who is not `user`; `None` if `user` is neither.
    #[must_use]
    pub fn other(&self, user: &UserId) -> Option<&UserId> {
        if *user == self.0 {
            Some(&self.1)
        } else if *user == self.1 {
            Some(&self.0)
        } else {
            None
        }
    }
}

impl Conversation {
    /// The one between two users, whoever is named first.
    #[must_use]
    pub fn private(one: UserId, other: UserId) -> Self {
        Self::Private(if one <= other { Pair(one, other) } else { Pair(other, one) })
    }

    /// The log of its messages.
    #[must_use]
    pub fn log(&self) -> LogName {
        LogName::of_messages(self)
    }
}

impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Private(Pair(one, other)) => write!(f, "p.{one}.{other}"),
            Self::Group(group) => write!(f, "g.{group}"),
            Self::Everyone => f.write_str("all"),
        }
    }
}

/// A text that names no conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadConversation {
    /// None of the three forms.
    #[error("a conversation is p.<user>.<user>, g.<group> or all")]
    Form,
    /// A name in it is none.
    #[error(transparent)]
    Id(#[from] BadId),
    /// The same conversation has one text only.
    #[error("the users of a private conversation stand in the order of their bytes: swap them")]
    Order,
}

impl FromStr for Conversation {
    type Err = BadConversation;

    fn from_str(text: &str) -> Result<Self, BadConversation> {
        if text == "all" {
            return Ok(Self::Everyone);
        }
        match text.split_once('.') {
            Some(("g", group)) => Ok(Self::Group(group.parse()?)),
            Some(("p", pair)) => {
                let (one, other) = pair.split_once('.').ok_or(BadConversation::Form)?;
                let (one, other): (UserId, UserId) = (one.parse()?, other.parse()?);
                if one > other {
                    return Err(BadConversation::Order);
                }
                Ok(Self::Private(Pair(one, other)))
            }
            _ => Err(BadConversation::Form),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_conversation_has_one_text() {
        let user = |text: &str| text.parse::<UserId>().unwrap();
        let table = [
            (Conversation::private(user("bob"), user("ann")), "p.ann.bob"),
            (Conversation::private(user("ann"), user("ann")), "p.ann.ann"),
            (Conversation::Group("team".parse().unwrap()), "g.team"),
            (Conversation::Everyone, "all"),
        ];
        for (conversation, text) in table {
            assert_eq!(conversation.to_string(), text);
            assert_eq!(text.parse(), Ok(conversation));
        }
    }

    #[test]
    fn what_is_none_says_what_to_write() {
        let table = [
            ("", "a conversation is p.<user>.<user>, g.<group> or all"),
            ("p.ann", "a conversation is p.<user>.<user>, g.<group> or all"),
            ("x.ann", "a conversation is p.<user>.<user>, g.<group> or all"),
            ("p.bob.ann", "the users of a private conversation stand in the order of their bytes: swap them"),
            ("p.ann.bob.carl", "a user is 1 to 64 characters of A-Z, a-z, 0-9, _ and -"),
            ("g.", "a group is 1 to 64 characters of A-Z, a-z, 0-9, _ and -"),
        ];
        for (text, said) in table {
            assert_eq!(text.parse::<Conversation>().unwrap_err().to_string(), said, "{text:?}");
        }
    }

    #[test]
    fn the_other_of_a_pair() {
        let user = |text: &str| text.parse::<UserId>().unwrap();
        let Conversation::Private(pair) = Conversation::private(user("bob"), user("ann")) else { unreachable!() };
        assert_eq!(pair.other(&user("bob")), Some(&user("ann")));
        assert_eq!(pair.other(&user("ann")), Some(&user("bob")));
        assert_eq!(pair.other(&user("eve")), None);
    }
}
