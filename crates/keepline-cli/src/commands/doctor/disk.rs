//! Disk: whether what is acknowledged can be kept.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Finding, fail, ok, warn};
use crate::admin;

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
