//! Emoji: their names in a text, as `:smile:`, and the list of them.

use std::borrow::Cow;

/// Entries of a page of the list, as in cim.
const PAGE: usize = 5;

/// The text with each name between colons as its emoji. Names are GitHub's; one that is unknown stays as it is.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(':') {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(':') {
        shown.push_str(before);
        let named = behind.split_once(':').and_then(|(name, rest)| Some((emojis::get_by_shortcode(name)?, rest)));
        if let Some((emoji, after)) = named {
            shown.push_str(emoji.as_str());
            rest = after;
        } else {
            shown.push(':');
            rest = behind;
        }
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// Whether a word is an emoji's name between colons.
pub(super) fn is_name(word: &str) -> bool {
    let name = word.strip_prefix(':').and_then(|word| word.strip_suffix(':'));
    name.is_some_and(|name| emojis::get_by_shortcode(name).is_some())
}

/// A page of the list, from 0: `alias---><emoji>`, as in cim. `None` beyond the last.
pub(super) fn page(number: usize) -> Option<Vec<String>> {
    let named = emojis::iter().filter_map(|emoji| Some((emoji.shortcode()?, emoji.as_str())));
    let lines: Vec<String> =
        named.skip(number.checked_mul(PAGE)?).take(PAGE).map(|(name, emoji)| format!(":{name}:--->{emoji}")).collect();
    (!lines.is_empty()).then_some(lines)
}

/// How many pages there are.
pub(super) fn pages() -> usize {
    emojis::iter().filter(|emoji| emoji.shortcode().is_some()).count().div_ceil(PAGE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_emojis_and_all_else_stays() {
        for (text, seen) in [
            ("hi :smile:!", "hi 😄!"),
            (":smile::smile:", "😄😄"),
            ("at 10:30: see :coffee:", "at 10:30: see ☕"),
            (":no_such_name: :x", ":no_such_name: :x"),
            ("a:smile:b", "a😄b"),
            ("::smile::", ":😄:"),
            ("plain", "plain"),
            ("", ""),
        ] {
            assert_eq!(shown(text), seen, "{text}");
        }
        assert!(is_name(":smile:") && !is_name(":smile") && !is_name("smile") && !is_name(":") && !is_name("::"));
    }

    #[test]
    fn the_list_has_five_on_a_page_and_an_end() {
        let last = pages() - 1;
        assert_eq!(page(0).map(|page| page.len()), Some(5));
        assert!(page(0).unwrap()[0].contains(":--->"));
        assert!(page(last).is_some() && page(last + 1).is_none() && page(usize::MAX).is_none());
        assert!(last > 100, "a full table");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[:a-z ä_😄]{0,40}") {
            let _ = shown(&text);
        }
    }
}
