//! What the kernel tells about a process and about itself, read from `/proc`.

pub(crate) mod cpu;
pub(crate) mod kernel;
pub(crate) mod memory;
pub(crate) mod overflows;

use std::{fs, io};

/// How many descriptors a process holds.
///
/// # Errors
/// The process is gone, or is not ours to look into.
pub(crate) fn open_files(pid: u32) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// A file of `/proc` whose content is not what we know.
fn unknown(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{path} has a form that is not known here"))
}
