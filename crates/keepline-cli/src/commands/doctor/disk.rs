//! Disk: whether what is acknowledged can be kept, and who did what be noted.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use keepline_server::store::redb::FILE;

use super::{Finding, fail, ok, warn};
use crate::admin;
use crate::config::{AuditFile, Settings};

/// With less, messages are refused soon.
const LEAST: u64 = 64 << 20;
/// With less, somebody should look after it.
const LITTLE: u64 = 1 << 30;

/// Every acknowledgement waits for one.
const SLOW_SYNC: Duration = Duration::from_millis(100);

pub(super) fn data(folder: &Path) -> Vec<Finding> {
    // The first start makes it: until then what counts is where it will be.
    let there = folder.is_dir();
    let probed = if there { folder } else { existing(folder) };
    let mut findings = vec![written(folder, probed), space(probed)];
    if there {
        findings.extend(in_use(&folder.join(FILE)));
        findings.extend(another_s(folder));
        findings.push(match admin::read(&folder.join(admin::FILE)) {
            Ok(_) => ok("admin token", "it is there, for its owner alone"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => ok("admin token", "the first start makes one"),
            Err(error) => fail("admin token", format!("{}: {error}", folder.join(admin::FILE).display())),
        });
    }
    findings
}

/// The nearest above that is there; what is no folder is found out by the write.
fn existing(folder: &Path) -> &Path {
    let above = folder.ancestors().skip(1).find(|above| above.exists());
    above.unwrap_or_else(|| Path::new("."))
}

/// What a server has open no other can have.
fn in_use(file: &Path) -> Option<Finding> {
    match File::open(file).ok()?.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            Some(fail("data", format!("{} is in use by another process: is a server running already?", file.display())))
        }
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// What this user may do is not what the user of the service may.
fn another_s(folder: &Path) -> Option<Finding> {
    let owner = fs::metadata(folder).ok()?.uid();
    let we = rustix::process::geteuid().as_raw();
    let what = format!(
        "{} belongs to user {owner}, and this looks as user {we}: run it as the user that serves, as by \
         setpriv --reuid={owner} --clear-groups keepline doctor",
        folder.display()
    );
    (owner != we).then(|| warn("owner", what))
}

/// Whether it can be noted who did what. A file that is not there yet is made, and removed again.
pub(super) fn audit(settings: &Settings) -> Option<Finding> {
    let file = settings.audit_file()?;
    let begun = match OpenOptions::new().append(true).open(&file) {
        // With data that the first start makes, it makes this one too.
        Err(error) if error.kind() == io::ErrorKind::NotFound && settings.audit == AuditFile::WithData => return None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            File::create_new(&file).and_then(|_| fs::remove_file(&file))
        }
        opened => opened.map(drop),
    };
    let name = file.display();
    Some(match begun {
        Ok(()) => ok("audit log", format!("{name} can be written")),
        Err(error) => fail("audit log", format!("{name} can't be written: {error}")),
    })
}

fn written(folder: &Path, probed: &Path) -> Finding {
    let probe = probed.join(format!(".keepline-doctor-{}", std::process::id()));
    let write = || -> io::Result<Duration> {
        let mut file = File::create_new(&probe)?;
        file.write_all(&[0; 4096])?;
        let begun = Instant::now();
        file.sync_all()?;
        Ok(begun.elapsed())
    };
    let took = write();
    let _ = fs::remove_file(&probe);
    let name = folder.display();
    match took {
        Ok(took) if took > SLOW_SYNC => {
            warn("data", format!("{name}: a write takes {took:.0?} to be on the disk, and each answer waits for it"))
        }
        Ok(took) => ok("data", format!("{name}: a write is on the disk after {took:.0?}")),
        Err(error) => fail("data", format!("{name} can't be written: {error}; let its user own it, or say --data")),
    }
}

fn space(probed: &Path) -> Finding {
    let stat = match rustix::fs::statvfs(probed) {
        Ok(stat) => stat,
        Err(error) => return warn("space", format!("{}: {error}", probed.display())),
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let what = format!("{} MiB free", free >> 20);
    match free {
        free if free < LEAST => fail("space", format!("{what}: messages would be refused soon")),
        free if free < LITTLE => warn("space", what),
        _ => ok("space", what),
    }
}
