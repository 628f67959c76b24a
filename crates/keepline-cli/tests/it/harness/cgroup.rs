//! Cgroup: a control group of a test's own, in which it starts a server with little memory or little of the CPU.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, id};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use super::ms;

/// What a group limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Controller {
    Memory,
    Cpu,
}

/// A group with one controller; gone when this is dropped, which must be after the processes in it.
pub(crate) struct Cgroup {
    folder: PathBuf,
    version: Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Cgroup {
    /// Makes one; says what is missing, in a line that scripts/test counts, where that can't be.
    pub(crate) fn open(controller: Controller) -> Option<Self> {
        static GROUPS: AtomicU32 = AtomicU32::new(0);
        let Some((tree, version)) = tree(controller) else {
            println!("SKIPPED: a tree of control groups with {controller:?}, which root may change");
            return None;
        };
        let folder = tree.join(format!("keepline-{}-{}", id(), GROUPS.fetch_add(1, Relaxed)));
        if let Err(error) = fs::create_dir(&folder) {
            println!("SKIPPED: the right to make control groups: {}: {error}", folder.display());
            return None;
        }
        Some(Self { folder, version })
    }

    /// So many bytes, and no swap beside them.
    pub(crate) fn limit_memory(&self, bytes: u64) {
        match self.version {
            Version::One => self.write("memory.limit_in_bytes", &bytes.to_string()),
            Version::Two => self.write("memory.max", &bytes.to_string()),
        }
    }

    /// So many hundredths of one core.
    pub(crate) fn limit_cpu(&self, percent: u32) {
        let quota = percent * 1000;
        match self.version {
            Version::One => {
                self.write("cpu.cfs_period_us", "100000");
                self.write("cpu.cfs_quota_us", &quota.to_string());
            }
            Version::Two => self.write("cpu.max", &format!("{quota} 100000")),
        }
    }

    /// A command whose process is in the group from its first instruction on.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("sh");
        let procs = self.folder.join("cgroup.procs");
        command.args(["-c", &format!("echo $$ > {} && exec \"$0\" \"$@\"", procs.display()), program]);
        command
    }

    /// Processes of it that the kernel has killed for want of memory.
    pub(crate) fn killed(&self) -> u64 {
        match self.version {
            Version::One => self.row("memory.oom_control", "oom_kill"),
            Version::Two => self.row("memory.events", "oom_kill"),
        }
    }

    /// The most that was ever in use, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        let name = if self.version == Version::One { "memory.max_usage_in_bytes" } else { "memory.peak" };
        fs::read_to_string(self.folder.join(name)).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Periods of 100 ms in which it had to wait for the next.
    pub(crate) fn throttled(&self) -> u64 {
        self.row("cpu.stat", "nr_throttled")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{text} to {}: {error}", path.display()));
    }

    #[track_caller]
    fn row(&self, file: &str, name: &str) -> u64 {
        let text = fs::read_to_string(self.folder.join(file)).expect("the group is there");
        let row = text.lines().find_map(|row| row.strip_prefix(name)?.trim().parse().ok());
        row.unwrap_or_else(|| panic!("no {name} in {text}"))
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // A process that was waited for leaves it a moment later.
        for _ in 0..100 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            thread::sleep(ms(20));
        }
    }
}

/// Where groups with this controller are made.
fn tree(controller: Controller) -> Option<(PathBuf, Version)> {
    let name = if controller == Controller::Memory { "memory" } else { "cpu" };
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let trees = mounts.lines().filter_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let point = PathBuf::from(mount.split(' ').nth(4)?);
        let mut system = system.split(' ');
        match (system.next()?, system.nth(1)?) {
            ("cgroup", options) => options.split(',').any(|option| option == name).then_some((point, Version::One)),
            ("cgroup2", _) => has(&point, name).then_some((point, Version::Two)),
            _ => None,
        }
    });
    // The first of a controller is the one it belongs to: it is in one tree only.
    trees.into_iter().next()
}

/// Whether groups below the root of a tree of version two have, or can be given, this controller.
fn has(root: &Path, name: &str) -> bool {
    let lists = |file: &str| {
        let text = fs::read_to_string(root.join(file)).unwrap_or_default();
        text.split_ascii_whitespace().any(|listed| listed == name)
    };
    let given = || fs::write(root.join("cgroup.subtree_control"), format!("+{name}")).is_ok();
    lists("cgroup.controllers") && (lists("cgroup.subtree_control") || given())
}
