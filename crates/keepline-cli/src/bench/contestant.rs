//! Who is measured: a command that starts a server, or a server that runs already.

use std::{env, time::Duration};

use super::{Error, target::Target};

/// The label whose figures the others are divided by.
pub(crate) const BASELINE: &str = "floor";

/// Stands in a command for the reader-idle limit, as `10000ms`.
const LIMIT: &str = "{reader_idle}";
/// Stands in a command for the reader-idle limit in milliseconds, as `10000`.
const LIMIT_MS: &str = "{reader_idle_ms}";

/// One server to measure.
#[derive(Clone, Debug)]
pub(crate) struct Contestant {
    /// Its name in the report.
    pub(crate) label: String,
    /// How to get at it.
    pub(crate) origin: Origin,
}

/// How to get at a server.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// Start it with this command of the shell.
    Command(String),
    /// It runs already.
    Target(Target),
}

impl Contestant {
    /// The server of this very program.
    ///
    /// # Errors
    /// [`Error::Failed`] when the program can't find its own file.
    pub(crate) fn ours() -> Result<Self, Error> {
        let program = env::current_exe().map_err(|error| Error::io("the file of this program is unknown", error))?;
        let program = program.to_string_lossy().replace('\'', r"'\''");
        Ok(Self {
            label: "keepline".into(),
            origin: Origin::Command(format!(
                "'{program}' echo serve --listen 127.0.0.1:0 --reader-idle {LIMIT} --log quiet"
            )),
        })
    }

    /// A server to compare with, from `LABEL=COMMAND`.
    ///
    /// # Errors
    /// [`Error::Usage`] when a part is missing.
    pub(crate) fn labelled(text: &str) -> Result<Self, Error> {
        match text.split_once('=') {
            Some((label, command)) if !label.is_empty() && !command.trim().is_empty() => {
                Ok(Self { label: label.into(), origin: Origin::Command(command.into()) })
            }
            _ => Err(Error::Usage(format!(
                "--compare {text:?} has no label or no command: write it as LABEL=COMMAND, the label `{BASELINE}` for \
                 the server that ratios are taken from"
            ))),
        }
    }

    /// The command with the limit filled in; `None` for a server that runs already.
    pub(crate) fn command(&self, reader_idle: Duration) -> Option<String> {
        let Origin::Command(template) = &self.origin else {
            return None;
        };
        let millis = reader_idle.as_millis();
        Some(template.replace(LIMIT, &format!("{millis}ms")).replace(LIMIT_MS, &millis.to_string()))
    }

    /// Whether its reader-idle limit can be set.
    pub(crate) fn takes_limit(&self) -> bool {
        matches!(&self.origin, Origin::Command(template) if template.contains(LIMIT) || template.contains(LIMIT_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_filled_in() {
        for (template, takes, want) in [
            ("floor --reader-idle-ms {reader_idle_ms}", true, "floor --reader-idle-ms 1500"),
            ("x --idle={reader_idle}", true, "x --idle=1500ms"),
            ("java -jar peer.jar", false, "java -jar peer.jar"),
        ] {
            let contestant = Contestant::labelled(&format!("peer={template}")).unwrap();
            assert_eq!(contestant.label, "peer");
            assert_eq!(contestant.takes_limit(), takes, "{template}");
            assert_eq!(contestant.command(Duration::from_millis(1500)).as_deref(), Some(want));
        }
    }

    #[test]
    fn a_label_and_a_command_are_both_needed() {
        for text in ["floor", "=floor", "floor=", "floor=  ", ""] {
            let error = Contestant::labelled(text).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{text:?}");
        }
    }

    #[test]
    fn our_own_server_takes_the_limit() {
        assert!(Contestant::ours().unwrap().takes_limit());
    }
}
