//! The memory of a process that belongs to it alone: its heap and stacks, not its program file.

use std::{fs, io};

use super::unknown;

/// Anonymous resident memory, in bytes, by two accounts of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// `RssAnon` of `status`: a counter that may lag by some pages for each processor.
    pub(crate) rss_anon: u64,
    /// `Anonymous` of `smaps_rollup`: counted page by page at the moment of reading. `None` where it is not readable.
    pub(crate) smaps: Option<u64>,
}

impl Sample {
    /// Reads the memory of `pid`.
    ///
    /// # Errors
    /// The process is gone, or is not ours to look into.
    pub(crate) fn read(pid: u32) -> io::Result<Self> {
        let path = format!("/proc/{pid}/status");
        let rss_anon = parse_kib(&fs::read_to_string(&path)?, "RssAnon:").ok_or_else(|| unknown(&path))?;
        let smaps = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok();
        Ok(Self { rss_anon, smaps: smaps.and_then(|text| parse_kib(&text, "Anonymous:")) })
    }
}

/// The bytes of a line such as `RssAnon:      2048 kB`.
fn parse_kib(text: &str, key: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tfloor\nVmRSS:\t    3112 kB\nRssAnon:\t     904 kB\nRssFile:\t    2208 kB\n";
    const ROLLUP: &str = "55d0c0a00000-7ffc0c7f9000 ---p 00000000 00:00 0    [rollup]\n\
                          Rss:                3180 kB\nAnonymous:           912 kB\nAnonHugePages:         0 kB\n";

    #[test]
    fn lines_of_status_and_rollup() {
        for (text, key, want) in [
            (STATUS, "RssAnon:", Some(904 * 1024)),
            (ROLLUP, "Anonymous:", Some(912 * 1024)),
            (STATUS, "Anonymous:", None),
            ("RssAnon:\t many kB\n", "RssAnon:", None),
            ("RssAnon:\t 5\n", "RssAnon:", None),
        ] {
            assert_eq!(parse_kib(text, key), want, "{key} in {text}");
        }
    }

    #[test]
    fn memory_that_we_touch_is_seen() {
        let before = Sample::read(std::process::id()).unwrap();
        let touched = std::hint::black_box(vec![1_u8; 16 << 20]);
        let after = Sample::read(std::process::id()).unwrap();
        assert!(after.rss_anon >= before.rss_anon + (8 << 20), "{before:?} {after:?}");
        drop(touched);
    }
}
