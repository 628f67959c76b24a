//! Nearest: which key somebody meant who wrote one that there is not.

use super::keys::{KEYS, Key};

/// More letters wrong than this are another word.
const FAR: usize = 4;

/// So few letters wrong are a slip, whatever else there is.
const SLIP: usize = 2;

/// What to say of a key that there is not.
pub(super) fn no_key(name: &str, written: impl Fn(&Key) -> String) -> String {
    if is_section(name) {
        return format!("{name} is a section, with keys in it: keepline config default prints them");
    }
    match nearest_key(name) {
        Some(key) => format!("there is no key {name}; did you mean {}?", written(key)),
        None => format!("there is no key {name}; keepline config default prints those there are"),
    }
}

/// What to say of a section that there is not.
pub(super) fn no_section(name: &str) -> String {
    if KEYS.iter().any(|key| key.name == name) {
        return format!("{name} is a key, and no section");
    }
    match nearest_section(name) {
        Some(section) => format!("there is no section {name}; did you mean {section}?"),
        None => format!("there is no section {name}; keepline config default prints those there are"),
    }
}

/// Whether there are keys in it.
pub(super) fn is_section(name: &str) -> bool {
    KEYS.iter().any(|key| key.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// The key that is a slip away, or one of the same name in another section, or the one with the fewest letters changed.
fn nearest_key(name: &str) -> Option<&'static Key> {
    let far = |key: &&'static Key| strsim::damerau_levenshtein(key.name, name);
    let nearest = |most| KEYS.iter().min_by_key(far).filter(|key| far(key) <= most);
    let elsewhere = || KEYS.iter().find(|key| last(key.name) == last(name));
    nearest(SLIP).or_else(elsewhere).or_else(|| nearest(FAR - 1))
}

/// The same; a short name has no room for many slips.
fn nearest_section(name: &str) -> Option<&'static str> {
    let sections = || KEYS.iter().filter_map(|key| key.name.rsplit_once('.')).map(|(section, _)| section);
    let near = sections().map(|section| (strsim::damerau_levenshtein(section, name), section)).min();
    let near = near.filter(|(far, _)| *far < FAR && far * 2 < name.chars().count()).map(|(_, section)| section);
    near.or_else(|| sections().find(|section| last(section) == last(name)))
}

/// A name without its section.
fn last(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_known_and_another_word_is_not() {
        for (name, meant) in [
            ("listen.htpp", Some("listen.http")),
            ("listen.silence", Some("liveness.silence")),
            ("store.keep_fro", Some("store.keep_for")),
            ("tls.cert", Some("listen.tls.cert")),
            ("tokens.key", Some("tokens.keys")),
            ("listen.key", Some("listen.tls.key")),
            ("name", Some("server.name")),
            ("colour.scheme", None),
            ("", None),
        ] {
            assert_eq!(nearest_key(name).map(|key| key.name), meant, "{name}");
        }
    }

    #[test]
    fn sections_and_keys_are_told_apart() {
        let key = |name| no_key(name, |key| key.name.to_owned());
        for (said, begins) in [
            (key("listen"), "listen is a section, with keys in it"),
            (key("listen.tls"), "listen.tls is a section, with keys in it"),
            (no_section("listen.http"), "listen.http is a key, and no section"),
            (no_section("limit"), "there is no section limit; did you mean limits?"),
            (no_section("stroe"), "there is no section stroe; did you mean store?"),
            (no_section("tls"), "there is no section tls; did you mean listen.tls?"),
            (no_section("a"), "there is no section a; keepline config default"),
            (no_section("ssl"), "there is no section ssl; keepline config default"),
        ] {
            assert!(said.starts_with(begins), "{said}");
        }
    }
}
