//! Tests of the memory: groups of both versions as files, and lists of mounts as kernels and containers have them.

use std::path::PathBuf;
use std::process::id;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("keepline-memory-{}-{}", id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A group below it, of these files.
    fn group(&self, below: &str, version: Version, files: &[(&str, &str)]) -> Group {
        let folder = self.0.join(below);
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        Group { folder, version }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_can_be_had_back_is_not_in_use_and_no_limit_is_none() {
    const STAT_ONE: &str = "cache 9\ninactive_file 7\ntotal_inactive_file 300\ntotal_active_file 100\n";
    const STAT_TWO: &str = "anon 5\ninactive_file 300\nactive_file 100\n";
    // The version, its files, and what is in use of the limit.
    type Row = (Version, &'static [(&'static str, &'static str)], Option<(u64, u64)>);
    let table: [Row; 8] = [
        (
            Version::One,
            &[("memory.limit_in_bytes", "2000\n"), ("memory.usage_in_bytes", "1000\n"), ("memory.stat", STAT_ONE)],
            Some((600, 2000)),
        ),
        (
            Version::One,
            &[("memory.limit_in_bytes", "9223372036854771712\n"), ("memory.usage_in_bytes", "1000\n")],
            None,
        ),
        (Version::One, &[], None),
        (
            Version::Two,
            &[
                ("memory.max", "2000\n"),
                ("memory.high", "max\n"),
                ("memory.current", "1000\n"),
                ("memory.stat", STAT_TWO),
            ],
            Some((600, 2000)),
        ),
        (
            Version::Two,
            &[("memory.max", "2000\n"), ("memory.high", "1500\n"), ("memory.current", "1000\n")],
            Some((1000, 1500)),
        ),
        (Version::Two, &[("memory.max", "max\n"), ("memory.high", "max\n"), ("memory.current", "1000\n")], None),
        (Version::Two, &[("memory.current", "1000\n")], None),
        (
            Version::Two,
            &[("memory.max", "2000\n"), ("memory.current", "100\n"), ("memory.stat", STAT_TWO)],
            Some((0, 2000)),
        ),
    ];
    let folder = Folder::new();
    for (i, (version, files, expected)) in table.into_iter().enumerate() {
        let group = folder.group(&i.to_string(), version, files);
        assert_eq!(group.read(), expected.map(|(used, limit)| Usage { used, limit }), "row {i}");
    }
}

#[test]
fn of_several_limits_the_one_that_is_nearest_to_be_met_counts() {
    let folder = Folder::new();
    let of = |below: &str, limit: &str, used: &str| {
        folder.group(below, Version::One, &[("memory.limit_in_bytes", limit), ("memory.usage_in_bytes", used)])
    };
    let groups = vec![of("a/b", "1000", "500"), of("a", "2000", "1900"), of("", "9223372036854771712", "5000")];
    let memory = Memory { limit: Arc::new(Live::new(Some(1 << 50))), groups };
    assert_eq!(memory.read(), Some(Usage { used: 1900, limit: 2000 }), "the group around it");
    let alone = Memory { limit: Arc::new(Live::new(Some(1))), groups: Vec::new() }.read().expect("a limit");
    assert!(alone.used > 1 << 20 && alone.limit == 1, "what is resident of this process: {alone:?}");
    assert_eq!(Memory { limit: Arc::default(), groups: Vec::new() }.read(), None);
}

#[test]
fn a_share_is_in_thousandths_and_a_limit_of_nothing_is_no_division_by_zero() {
    for (used, limit, share) in
        [(0, 10, 0), (5, 10, 500), (999, 1000, 999), (u64::MAX, u64::MAX, 1000), (3, 0, 3000), (u64::MAX, 1, u64::MAX)]
    {
        assert_eq!(Usage { used, limit }.share(), share, "{used} of {limit}");
    }
}

const ONE: &str = "32 31 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory";
const TWO: &str = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";

#[test]
fn the_groups_of_a_process_are_found_from_the_innermost_outwards() {
    let both = format!("{ONE}\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw");
    let docker = "32 31 0:29 /docker/ab12 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory";
    let spaced = "32 31 0:29 / /mnt/a\\040b\\134c rw - cgroup cgroup rw,cpu,memory";
    let not_ours = "33 31 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n23 1 8:1 / / rw - ext4 /dev/vda rw\nbad";
    let table: [(&str, &str, &[&str]); 8] = [
        (TWO, "0::/a/b.service\n", &["/sys/fs/cgroup/a/b.service", "/sys/fs/cgroup/a", "/sys/fs/cgroup"]),
        (TWO, "0::/\n", &["/sys/fs/cgroup"]),
        (
            &both,
            "4:memory:/x\n1:cpu:/y\n0::/z\n",
            &["/sys/fs/cgroup/memory/x", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified/z", "/sys/fs/cgroup/unified"],
        ),
        (ONE, "5:cpu,memory:/x\n", &["/sys/fs/cgroup/memory/x", "/sys/fs/cgroup/memory"]),
        (docker, "4:memory:/docker/ab12\n", &["/sys/fs/cgroup/memory"]),
        (docker, "4:memory:/elsewhere\n", &["/sys/fs/cgroup/memory"]),
        (spaced, "4:cpu,memory:/x\n", &["/mnt/a b\\c/x", "/mnt/a b\\c"]),
        (not_ours, "4:memory:/x\n1:cpu:/y\n", &[]),
    ];
    for (mounts, own, expected) in table {
        let found: Vec<PathBuf> = groups(mounts, own).into_iter().map(|group| group.folder).collect();
        assert_eq!(found, expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{mounts} {own}");
    }
    assert_eq!(groups(ONE, "4:memory:/x")[0].version, Version::One);
    assert_eq!(groups(TWO, "0::/x")[0].version, Version::Two);
    assert!(groups(&format!("{TWO}\n"), &format!("0::/{}", "d/".repeat(100))).len() <= DEPTH);
}
