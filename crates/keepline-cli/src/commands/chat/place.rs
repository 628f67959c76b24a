//! Place: a conversation as the chat shows it, seen by one user.

use keepline_server::conversation::Conversation;
use keepline_server::id::UserId;

/// How a conversation is shown, and written for `:to`: `all`, `#GROUP` or `@NAME`.
pub(super) fn label(conversation: &Conversation, me: &UserId) -> String {
    match conversation {
        Conversation::Everyone => "all".to_owned(),
        Conversation::Group(group) => format!("#{group}"),
        Conversation::Private(pair) => match pair.other(me) {
            Some(other) => format!("@{other}"),
            None => conversation.to_string(),
        },
    }
}

/// The same of a conversation by its name; one that is none of ours is shown as it is.
pub(super) fn label_of(name: &str, me: &UserId) -> String {
    name.parse().map_or_else(|_| name.to_owned(), |conversation| label(&conversation, me))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::target::Target;

    #[test]
    fn a_label_leads_back_to_its_place() {
        let me: UserId = "ann".parse().unwrap();
        for (name, shown) in [
            ("all", "all"),
            ("g.team", "#team"),
            ("p.ann.bob", "@bob"),
            ("p.aaron.ann", "@aaron"),
            ("p.ann.ann", "@ann"),
        ] {
            assert_eq!(label_of(name, &me), shown);
            assert_eq!(shown.parse::<Target>().unwrap().of("ann").as_deref(), Ok(name));
        }
        assert_eq!(label_of("p.x.y", &me), "p.x.y");
        assert_eq!(label_of("who knows", &me), "who knows");
    }
}
