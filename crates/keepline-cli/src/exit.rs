//! Exit: how a command ended, as the code of the process: one table for all commands.

use std::process::ExitCode;

use keepline::Reason;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done. What wrote to a reader that has gone is done too.
    Ok = 0,
    /// The server said no, or something broke.
    Failed = 1,
    /// The command line asks for what there is not.
    Usage = 2,
    /// No server there.
    Unreachable = 3,
    /// The server does not know us, or does not let us.
    Denied = 4,
    /// The server did not answer in time, or can't say whether it did what was asked.
    Timeout = 5,
}

/// The table, as the help of the binary prints it.
pub(crate) const HELP: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line is not understood
  3  no server is there
  4  denied: no such user, a wrong password or token, or not allowed
  5  no answer in time";

impl Exit {
    /// How a command ends whose line the server has ended for good.
    pub(crate) fn of_end(reason: Reason) -> Self {
        match reason {
            Reason::AuthFailed | Reason::Kicked => Self::Denied,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_has_each_code_once() {
        let all = [Exit::Ok, Exit::Failed, Exit::Usage, Exit::Unreachable, Exit::Denied, Exit::Timeout];
        let lines: Vec<&str> = HELP.lines().skip(1).collect();
        assert_eq!(lines.len(), all.len());
        for (exit, line) in all.into_iter().zip(lines) {
            assert!(line.starts_with(&format!("  {}  ", exit as u8)), "{exit:?}: {line}");
        }
    }
}
