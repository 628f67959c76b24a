//! Nearest: which key somebody meant who wrote one that there is not.

use super::keys::{KEYS, Key};

/// More letters wrong than this are another word.
const FAR: usize = 4;

/// What to say of a key that there is not.
pub(super) fn no_key(name: &str, written: impl Fn(&Key) -> String) -> String {
    match nearest_key(name) {
        Some(key) => format!("there is no key {name}; did you mean {}?", written(key)),
        None => format!("there is no key {name}; keepline config default prints those there are"),
    }
}

/// What to say of a section that there is not.
pub(super) fn no_section(name: &str) -> String {
    let sections = KEYS.iter().filter_map(|key| key.name.rsplit_once('.')).map(|(section, _)| section);
    match sections.map(|section| (strsim::damerau_levenshtein(section, name), section)).min() {
        Some((far, section)) if far < FAR => format!("there is no section {name}; did you mean {section}?"),
        _ => format!("there is no section {name}; keepline config default prints those there are"),
    }
}

/// The key of the same name in another section, or the one with the fewest letters changed.
fn nearest_key(name: &str) -> Option<&'static Key> {
    let last = |name: &str| name.rsplit_once('.').map_or(String::new(), |(_, last)| last.to_owned());
    let elsewhere = KEYS.iter().find(|key| last(key.name) == last(name));
    let near = || {
        let far = |key: &&'static Key| strsim::damerau_levenshtein(key.name, name);
        KEYS.iter().min_by_key(far).filter(|key| far(key) < FAR)
    };
    elsewhere.or_else(near)
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
            ("colour.scheme", None),
            ("", None),
        ] {
            assert_eq!(nearest_key(name).map(|key| key.name), meant, "{name}");
        }
    }
}
