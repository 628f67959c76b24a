//! Fold: finding words whatever their case, in any script.
//!
//! Two characters are the same when their upper case, in lower case again, is: so `ß` finds `SS`, and a sigma at the end
//! of a word any other. That is close to the full case folding of Unicode (section 5.18) with what the standard library
//! has. What is composed in two ways (`é` as one character or as two) is not the same.

use std::ops::Range;

/// A character as it is compared.
fn folded(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase)
}

/// The length in bytes of what `text` has of `prefix` at its begin; `None` if it begins otherwise.
pub(super) fn prefix(text: &str, prefix: &str) -> Option<usize> {
    let mut wanted = prefix.chars().flat_map(folded).peekable();
    for (at, c) in text.char_indices() {
        if wanted.peek().is_none() {
            return Some(at);
        }
        // A character that is only half wanted ends the match behind itself: "s" begins "ß".
        for part in folded(c) {
            match wanted.next() {
                Some(next) if next == part => {}
                None => break,
                Some(_) => return None,
            }
        }
    }
    wanted.peek().is_none().then_some(text.len())
}

/// Where `word` is in `text`, from left to right, without overlaps. An empty one is nowhere.
pub(super) fn occurrences(text: &str, word: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while !word.is_empty() && at < text.len() {
        match prefix(&text[at..], word) {
            Some(length) if length > 0 => {
                found.push(at..at + length);
                at += length;
            }
            _ => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_is_no_difference() {
        for (text, word, places) in [
            ("Hello hello HELLO", "hello", &[(0, 5), (6, 11), (12, 17)][..]),
            ("STRASSE, Straße", "straße", &[(0, 7), (9, 16)]),
            ("Όσος ΌΣΟΣ", "όσοσ", &[(0, 8), (9, 17)]),
            ("ÄÖ äö", "äö", &[(0, 4), (5, 9)]),
            ("张三 says hi", "张", &[(0, 3)]),
            ("aaaa", "aa", &[(0, 2), (2, 4)]),
            ("anything", "", &[]),
            ("", "a", &[]),
            ("ab", "abc", &[]),
        ] {
            let found: Vec<_> = occurrences(text, word).into_iter().map(|place| (place.start, place.end)).collect();
            assert_eq!(found, places, "{text} / {word}");
        }
    }

    #[test]
    fn names_begin_in_any_script() {
        for (name, begin, length) in [
            ("crossoverJie", "c", Some(1)),
            ("CDa", "cd", Some(2)),
            ("zs-1", "ZS-1", Some(4)),
            ("张三", "张", Some(3)),
            ("Ünal", "ü", Some(2)),
            ("ann", "", Some(0)),
            ("ann", "anna", None),
            ("ann", "b", None),
        ] {
            assert_eq!(prefix(name, begin), length, "{name} / {begin}");
        }
    }

    proptest! {
        #[test]
        fn what_is_found_lies_within_the_text(text in "\\PC{0,20}", word in "\\PC{1,3}") {
            for place in occurrences(&text, &word) {
                prop_assert!(text.get(place.clone()).is_some_and(|found| !found.is_empty()), "{place:?}");
            }
            let joined = format!("x{word}y");
            prop_assert!(!occurrences(&joined, &word).is_empty());
        }
    }
}
