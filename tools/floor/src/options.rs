//! The command line of the floor server.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::frame::HEADER;

/// What to print below a refused command line.
pub(crate) const USAGE: &str = "usage: floor [--listen 127.0.0.1:0] [--reader-idle-ms 10000] [--max-frame 1024]";

/// The receive buffer, and with it the longest frame that can be allowed.
pub(crate) const BUFFER: usize = 64 * 1024;

/// Settings of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Where to listen; port 0 lets the kernel choose.
    pub(crate) listen: SocketAddr,
    /// Close a connection that was silent for so long; `None` never does.
    pub(crate) reader_idle: Option<Duration>,
    /// Longest frame allowed, header included, in bytes: 5 to 65 536.
    pub(crate) max_frame: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            reader_idle: Some(Duration::from_secs(10)),
            max_frame: 1024,
        }
    }
}

/// A flag that is not known, has no value, or has a value that does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadOption {
    flag: String,
    want: &'static str,
}

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.flag, self.want)
    }
}

impl Options {
    /// Reads `--flag value` pairs; what is not given keeps its default.
    ///
    /// # Errors
    /// Names the flag that cannot be used, and what it needs.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Self, BadOption> {
        let mut options = Self::default();
        let mut args = args.into_iter();
        while let Some(flag) = args.next() {
            let value = args.next().unwrap_or_default();
            if let Err(want) = options.set(&flag, &value) {
                return Err(BadOption { flag, want });
            }
        }
        Ok(options)
    }

    fn set(&mut self, flag: &str, value: &str) -> Result<(), &'static str> {
        match flag {
            "--listen" => {
                self.listen = value.parse().map_err(|_| "needs an address, IP:PORT")?;
            }
            "--reader-idle-ms" => {
                let ms: u32 = value.parse().map_err(|_| "needs milliseconds, 0 = off")?;
                self.reader_idle = (ms > 0).then(|| Duration::from_millis(ms.into()));
            }
            "--max-frame" => {
                self.max_frame = value
                    .parse()
                    .ok()
                    .filter(|bytes| (HEADER..=BUFFER).contains(bytes))
                    .ok_or("needs a number of bytes from 5 to 65536")?;
            }
            _ => return Err("is not a flag of this program"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, BadOption> {
        Options::parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn every_flag_is_read_and_the_rest_keeps_its_default() {
        assert_eq!(parse("").unwrap(), Options::default());
        let all = parse("--listen [::1]:7 --reader-idle-ms 250 --max-frame 65536").unwrap();
        assert_eq!(all.listen.to_string(), "[::1]:7");
        assert_eq!(all.reader_idle, Some(Duration::from_millis(250)));
        assert_eq!(all.max_frame, 65_536);
        assert_eq!(parse("--reader-idle-ms 0").unwrap().reader_idle, None);
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        for (line, flag) in [
            ("--listen localhost", "--listen"),
            ("--reader-idle-ms -1", "--reader-idle-ms"),
            ("--max-frame 4", "--max-frame"),
            ("--max-frame 65537", "--max-frame"),
            ("--max-frame", "--max-frame"),
            ("--workers 2", "--workers"),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.flag, flag, "{line}");
            assert!(error.to_string().contains(error.want), "{line}");
        }
    }
}
