//! Terminal: a pseudo-terminal, of which a test is the person.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The person's end, and the name of the other.
pub(super) struct Terminal {
    person: File,
    path: String,
}

impl Terminal {
    pub(super) fn open() -> Self {
        let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&person).expect("it is ours");
        unlockpt(&person).expect("it is ours");
        let path = ptsname(&person, Vec::new()).expect("it has a name").into_string().expect("a path in UTF-8");
        Self { person: OwnedFd::into(person), path }
    }

    /// The side of a program.
    pub(super) fn side(&self) -> Stdio {
        File::options().read(true).write(true).open(&self.path).expect("it can be opened").into()
    }

    /// All that is shown until the last program has gone.
    pub(super) fn shown(mut self) -> String {
        let mut bytes = Vec::new();
        // Linux answers EIO at the end.
        let _ = self.person.read_to_end(&mut bytes);
        String::from_utf8(bytes).expect("what is shown is UTF-8")
    }

    /// Types `answer` once `question` is shown; all that is shown until the last program has gone.
    pub(super) fn answers(mut self, question: &'static str, answer: &'static str) -> thread::JoinHandle<String> {
        thread::spawn(move || {
            let mut shown = String::new();
            let mut byte = [0; 256];
            while !shown.contains(question) {
                match self.person.read(&mut byte) {
                    Ok(0) | Err(_) => return shown,
                    Ok(read) => shown.push_str(&String::from_utf8_lossy(&byte[..read])),
                }
            }
            self.person.write_all(answer.as_bytes()).expect("somebody reads");
            shown + &self.shown()
        })
    }
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    use super::scene::{Person, Scene};

    let scene = Scene::open();
    let password = scene.person.file("password", "correct horse battery");
    scene.ok(&["users", "--as", "ann", "--password-file", &password]);
    for (typed, code) in [("correct horse battery\r", 0), ("correct horse\r", 4), ("correct\u{3}", 4)] {
        let other = Person::new(&scene.http);
        let terminal = Terminal::open();
        let arguments = ["--ctty", "--wait", env!("CARGO_BIN_EXE_keepline"), "users", "--as", "ann"];
        let mut command = other.command("setsid", &arguments);
        command.stdin(terminal.side()).stdout(Stdio::null()).stderr(terminal.side());
        let mut child = command.spawn().expect("setsid is part of util-linux");
        drop(command);
        let shown = terminal.answers("Password of ann", typed);
        let status = child.wait().expect("it ends");
        let shown = shown.join().expect("it was shown");
        assert_eq!(status.code(), Some(code), "{shown:?}");
        assert!(shown.contains("Password of ann at http") && !shown.contains("correct"), "{shown:?}");
    }
}
