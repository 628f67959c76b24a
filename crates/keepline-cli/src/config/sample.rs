//! Sample: a file of settings with every key, each as it is by default.

use std::fmt::Write as _;

use super::keys::{KEYS, Kind};

/// What `keepline config default` prints.
pub(crate) fn sample() -> String {
    let mut text = "# Every setting of keepline serve, as it is by default. Those that begin with # have none.\n\
                    # Flags and KEEPLINE_SECTION__KEY in the environment come before this file.\n"
        .to_owned();
    let mut last = "";
    for key in KEYS {
        let (section, name) = key.name.rsplit_once('.').unwrap_or(("", key.name));
        if section != last {
            let _ = write!(text, "\n[{section}]\n");
            last = section;
        }
        let mark = if key.default.is_empty() { "#" } else { "" };
        let value = match key.kind {
            Kind::Text => format!("{:?}", if mark.is_empty() { key.default } else { key.form }),
            Kind::Size if key.default.parse::<u64>().is_err() => {
                format!("{:?}", if mark.is_empty() { key.default } else { key.form })
            }
            _ if mark.is_empty() => key.default.to_owned(),
            _ => key.form.to_owned(),
        };
        let _ = writeln!(text, "# {}\n{mark}{name} = {value}", key.about);
    }
    text
}
