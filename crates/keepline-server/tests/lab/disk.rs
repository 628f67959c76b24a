//! Disk: a file system of the test's own, which can be filled, frozen and cut off. Undone when it is dropped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Whether the lab can be used; says so if not.
pub(crate) fn can_run(tools: &[&str]) -> bool {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: the storage lab needs root, to mount file systems");
        return false;
    }
    for tool in tools {
        let found = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_err() {
            println!("SKIPPED: the storage lab needs {tool}");
            return false;
        }
    }
    true
}

/// Runs a program that must succeed.
pub(crate) fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {} {said}", output.status);
}

/// A folder of the test's own, gone when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("lab-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed stays under target/.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An ext4 file system in a file.
pub(crate) struct Disk {
    image: PathBuf,
    mount: PathBuf,
    frozen: bool,
    folder: Folder,
}

impl Disk {
    /// Makes one of so many MiB, with no reserve for root: its blocks would hide that the disk is full.
    pub(crate) fn new(mib: u64) -> Self {
        let folder = Folder::new();
        let (image, mount) = (folder.path().join("image"), folder.path().join("mount"));
        fs::create_dir(&mount).unwrap();
        let disk = Self { image, mount, frozen: false, folder };
        // Shared: a mount namespace that another test makes meanwhile has a copy of every mount, and a file system lives
        // as long as one of its mounts. Only below a shared one do the copies go with the original.
        let place = disk.folder.path().to_str().unwrap();
        run("mount", &["--bind", "--make-shared", place, place]);
        fs::File::create(&disk.image).unwrap().set_len(mib << 20).unwrap();
        run("mkfs.ext4", &["-q", "-m", "0", "-F", disk.image.to_str().unwrap()]);
        disk.mount();
        disk
    }

    pub(crate) fn path(&self) -> &Path {
        &self.mount
    }

    /// Nothing is written by the file system's own clock during a test.
    fn mount(&self) {
        run("mount", &["-o", "loop,commit=300", self.image.to_str().unwrap(), self.mount.to_str().unwrap()]);
    }

    /// From here on nothing reaches the disk, and what was not synced is lost: `EXT4_IOC_SHUTDOWN` without a flush of
    /// the journal.
    pub(crate) fn cut_power(&self) {
        let call = "import fcntl, os, struct, sys\n\
                    fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";
        run("python3", &["-c", call, self.mount.to_str().unwrap()]);
    }

    /// Unmounts and mounts it, as a machine that starts again does. Nobody may have a file of it open.
    pub(crate) fn restart(&self) {
        run("umount", &[self.mount.to_str().unwrap()]);
        self.wait_until_gone();
        self.mount();
    }

    /// A mount namespace that somebody made meanwhile may hold the file system on for a moment, and the next mount would
    /// find it as it is, without its power.
    fn wait_until_gone(&self) {
        let by = Instant::now() + Duration::from_secs(30);
        while self.has_a_device() {
            assert!(Instant::now() < by, "another mount namespace holds {}", self.image.display());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the kernel has a loop device for the image.
    fn has_a_device(&self) -> bool {
        let devices = fs::read_dir("/sys/block").expect("sysfs is mounted").flatten();
        let mut backing = devices.filter_map(|device| fs::read_to_string(device.path().join("loop/backing_file")).ok());
        backing.any(|file| Path::new(file.trim_end()) == self.image)
    }

    /// Writes wait from here on.
    pub(crate) fn freeze(&mut self) {
        run("fsfreeze", &["-f", self.mount.to_str().unwrap()]);
        self.frozen = true;
    }

    pub(crate) fn thaw(&mut self) {
        run("fsfreeze", &["-u", self.mount.to_str().unwrap()]);
        self.frozen = false;
    }

    /// Fills it with a file until so many KiB are left.
    pub(crate) fn fill(&self, left_kib: u64) {
        let of = rustix::fs::statvfs(&self.mount).unwrap();
        let free = (of.f_bavail * of.f_frsize / 1024).saturating_sub(left_kib);
        run("fallocate", &["-l", &format!("{free}KiB"), self.filler().to_str().unwrap()]);
    }

    /// Takes that file away.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.mount.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mount = self.mount.to_str().unwrap_or_default();
        let quiet = |program: &str, arguments: &[&str]| {
            Command::new(program).args(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        if self.frozen {
            quiet("fsfreeze", &["-u", mount]);
        }
        // Lazily, if a test has failed with a file open: it is gone once that is closed.
        for mount in [mount, self.folder.path().to_str().unwrap_or_default()] {
            if !quiet("umount", &[mount]) {
                quiet("umount", &["-l", mount]);
            }
        }
    }
}
