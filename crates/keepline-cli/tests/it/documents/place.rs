//! Place: a machine of a page's own, with nothing on it but `keepline`: processes, network and home.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rustix::process::geteuid;

use super::script::Script;
use crate::harness::{Folder, PATIENCE, Process};

/// The shell of the page, and what asks it for a step.
const SHELL: &str = include_str!("shell.bash");
const STEP: &str = include_str!("step.sh");

/// A folder, and a shell in namespaces of its own: all that was started in them ends with it.
pub(super) struct Place {
    // Ends before its folder goes.
    _shell: Process,
    folder: Folder,
}

impl Place {
    /// For this page; says what is missing, in a line that scripts/test counts, where that can't be.
    pub(super) fn open(script: &Script) -> Option<Self> {
        if !geteuid().is_root() {
            println!("SKIPPED: root, to make namespaces");
            return None;
        }
        let folder = Folder::new("page");
        // trycmd runs a case in the folder of its name.
        let own = folder.path().join("page.in");
        furnish(&own, script);
        let mut command = Command::new("unshare");
        command.args(["--net", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "shell.bash"]);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env_clear().env("PATH", format!("{}/bin:{path}:/usr/sbin:/sbin", own.display()));
        command.env("HOME", own.join("home")).env("LANG", "C.UTF-8").env("TZ", "UTC").current_dir(&own);
        let shell = Process::spawn("the page's shell", command);
        if shell.next_line(Instant::now() + PATIENCE).is_none() {
            println!("SKIPPED: the right to make namespaces: {}", shell.complaint());
            return None;
        }
        Some(Self { _shell: shell, folder })
    }

    /// Runs the case, under the page's name in what is told of it.
    ///
    /// # Panics
    /// If a step prints something else than the page says, or ends otherwise.
    pub(super) fn run(&self, script: &Script) {
        let case = self.folder.path().join("page.md");
        fs::write(&case, &script.case).expect("the case can be written");
        let cases = trycmd::TestCases::new();
        cases.register_bin("sh", Path::new("/bin/sh")).timeout(PATIENCE * 2).case(case);
        cases.run();
    }
}

fn furnish(own: &Path, script: &Script) {
    for folder in ["bin", "home", "steps"] {
        fs::create_dir_all(own.join(folder)).expect("a folder");
    }
    symlink(env!("CARGO_BIN_EXE_keepline"), own.join("bin/keepline")).expect("a link to the binary");
    for step in &script.steps {
        fs::write(own.join("steps").join(&step.name), &step.commands).expect("a step");
    }
    for (name, text) in [("shell.bash", SHELL), ("step", STEP)] {
        fs::write(own.join(name), text).expect("a script");
    }
}
