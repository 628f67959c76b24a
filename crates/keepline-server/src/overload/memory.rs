//! Memory: how much of it is in use, and how much there may be: by the kernel's control groups, or by a setting.
//!
//! Of a control group counts what can't be had back by dropping the cache of files, and all that is in it: the kernel
//! kills by the sum. Of a setting counts what is resident of this process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::param::page_size;

use crate::live::Live;

/// Where the kernel tells of this process.
const PROC: &str = "/proc/self";
/// No limit: cgroup v1 says it by the largest number of pages.
const UNLIMITED: u64 = 1 << 60;
/// Groups around each other that are looked at.
const DEPTH: usize = 32;

/// Where memory is limited.
#[derive(Debug)]
pub(crate) struct Memory {
    /// By a setting, in bytes. It may change.
    limit: Arc<Live<Option<u64>>>,
    /// The groups that this process is in, the innermost first.
    groups: Vec<Group>,
}

/// What is in use of a limit, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) used: u64,
    pub(crate) limit: u64,
}

/// A control group, as a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    folder: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Memory {
    /// The limits of this process, and one more in bytes. Reads files.
    pub(crate) fn of_process(limit: Option<u64>) -> Self {
        let read = |name: &str| fs::read_to_string(Path::new(PROC).join(name)).unwrap_or_default();
        Self { limit: Arc::new(Live::new(limit)), groups: groups(&read("mountinfo"), &read("cgroup")) }
    }

    /// Where the setting is, to be changed while one looks.
    pub(crate) fn limit(&self) -> Arc<Live<Option<u64>>> {
        Arc::clone(&self.limit)
    }

    /// The limit that is the nearest to be met; `None` where there is none. Reads files.
    pub(crate) fn read(&self) -> Option<Usage> {
        let set = self.limit.get().and_then(|limit| Some(Usage { used: resident()?, limit }));
        self.groups.iter().filter_map(Group::read).chain(set).max_by_key(Usage::share)
    }
}

/// The least of the limits that this process has: of its control groups, and one more in bytes. `None` where there is
/// none. Reads files.
#[must_use]
pub fn limit_of_process(limit: Option<u64>) -> Option<u64> {
    let groups = Memory::of_process(None).groups;
    groups.iter().filter_map(Group::read).map(|usage| usage.limit).chain(limit).min()
}

impl Usage {
    /// In thousandths.
    pub(crate) fn share(&self) -> u64 {
        let share = u128::from(self.used) * 1000 / u128::from(self.limit.max(1));
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

impl Group {
    /// What is in use of its limit, if it has one.
    fn read(&self) -> Option<Usage> {
        let stat = || fs::read_to_string(self.folder.join("memory.stat")).ok();
        let (limit, used, cache) = match self.version {
            Version::One => {
                let limit = self.number("memory.limit_in_bytes")?;
                (limit, "memory.usage_in_bytes", ["total_active_file", "total_inactive_file"])
            }
            Version::Two => {
                // Beyond `high` the kernel slows the process down so much that it is of no use any more.
                let limits = ["memory.max", "memory.high"].into_iter().filter_map(|name| self.number(name));
                (limits.min()?, "memory.current", ["active_file", "inactive_file"])
            }
        };
        if limit >= UNLIMITED {
            return None;
        }
        let cache = stat().map_or(0, |stat| cache.iter().map(|name| row(&stat, name)).sum());
        Some(Usage { used: self.number(used)?.saturating_sub(cache), limit })
    }

    /// A file with one number; `max` is none.
    fn number(&self, name: &str) -> Option<u64> {
        fs::read_to_string(self.folder.join(name)).ok()?.trim().parse().ok()
    }
}

/// What is resident of this process, in bytes.
fn resident() -> Option<u64> {
    let statm = fs::read_to_string(Path::new(PROC).join("statm")).ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * page_size() as u64)
}

/// The number behind a name, or 0.
fn row(stat: &str, name: &str) -> u64 {
    let rows = stat.lines().filter_map(|row| row.split_once(' '));
    rows.filter(|(key, _)| *key == name).find_map(|(_, value)| value.parse().ok()).unwrap_or(0)
}

/// The memory groups of a process, by the kernel's list of mounts (`mountinfo`) and of its groups (`cgroup`); see
/// proc(5) and cgroups(7).
fn groups(mounts: &str, own: &str) -> Vec<Group> {
    let mut groups = Vec::new();
    for mount in mounts.lines().filter_map(Mount::of) {
        let Some(path) = own.lines().find_map(|line| mount.version.path(line)) else { continue };
        // In a container the mount shows a part of the tree, or the path is not seen from in there: then the process
        // is in what is mounted.
        let below = Path::new(path).strip_prefix(&mount.root).unwrap_or_else(|_| Path::new(""));
        let innermost = mount.point.join(below);
        let around = innermost.ancestors().take_while(|folder| folder.starts_with(&mount.point)).take(DEPTH);
        groups.extend(around.map(|folder| Group { folder: folder.to_owned(), version: mount.version }));
    }
    groups
}

impl Version {
    /// The path of the group in a line of `cgroup`: `4:memory:/path`, or `0::/path`.
    fn path(self, line: &str) -> Option<&str> {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let ours = match self {
            Self::One => controllers.split(',').any(|name| name == "memory"),
            Self::Two => number == "0" && controllers.is_empty(),
        };
        ours.then_some(path)
    }
}

/// A mounted tree of groups with the memory controller.
struct Mount {
    /// What of the tree is mounted.
    root: PathBuf,
    point: PathBuf,
    version: Version,
}

impl Mount {
    /// A line is `32 31 0:29 ROOT POINT options - TYPE source super-options`.
    fn of(line: &str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut fields = mount.split(' ').skip(3);
        let (root, point) = (unescaped(fields.next()?), unescaped(fields.next()?));
        let mut system = system.split(' ');
        let (kind, options) = (system.next()?, system.nth(1)?);
        let version = match kind {
            "cgroup" if options.split(',').any(|option| option == "memory") => Version::One,
            "cgroup2" => Version::Two,
            _ => return None,
        };
        Some(Self { root: root.into(), point: point.into(), version })
    }
}

/// Blanks and backslashes stand there as three octal digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                plain.push(char::from(code));
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests;
