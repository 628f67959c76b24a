//! Environment: settings from variables, as `KEEPLINE_LISTEN__HTTP`: the sections are joined by two underscores.

use std::ffi::OsString;

use super::Chosen;
use super::keys::{KEYS, Key};
use super::nearest::no_key;
use super::place::{Place, Problem};
use crate::admin;

const PREFIX: &str = "KEEPLINE_";

/// What libraries of tracing go by; ours comes before it.
const RUST_LOG: &str = "RUST_LOG";

/// The variable of a key.
pub(super) fn variable(key: &Key) -> String {
    format!("{PREFIX}{}", key.name.replace('.', "__").to_ascii_uppercase())
}

/// Reads what is set. Variables without two underscores are not settings: the tokens of tools have such names. But one
/// that only lacks the second underscore is meant for one.
pub(super) fn read(
    variables: impl Iterator<Item = (OsString, OsString)>,
    said: &mut Vec<Chosen>,
    problems: &mut Vec<Problem>,
) {
    let mut found: Vec<(String, OsString)> = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name == RUST_LOG || name.starts_with(PREFIX))
        .collect();
    // The order of the environment is nobody's. RUST_LOG goes first, so that ours is over it.
    found.sort_by(|(one, _), (other, _)| (one != RUST_LOG, one).cmp(&(other != RUST_LOG, other)));
    for (name, value) in found {
        let place = Place::Variable(name.clone());
        if name != RUST_LOG && !name[PREFIX.len()..].contains("__") {
            let meant = KEYS.iter().map(variable).find(|meant| *meant != name && meant.replace("__", "_") == name);
            if let Some(meant) = meant.filter(|_| name != admin::VARIABLE) {
                problems.push(Problem { place, what: format!("two underscores follow a section: write {meant}") });
            }
            continue;
        }
        let key =
            KEYS.iter().find(|key| if name == RUST_LOG { key.name == "log.filter" } else { variable(key) == name });
        let Some(key) = key else {
            let meant = name[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
            let what = no_key(&meant, |key| format!("{}, {}", key.name, variable(key)));
            problems.push(Problem { place, what });
            continue;
        };
        match value.into_string() {
            // Set to nothing is how many unset a variable of a container.
            Ok(text) if text.is_empty() => {}
            Ok(text) => said.push(Chosen::new(key, place, text)),
            Err(_) => problems.push(Problem { place, what: "it is no UTF-8".to_owned() }),
        }
    }
}
