//! Screen: a terminal of a test's own, by tmux: what is typed into it, and what stands on it.

use std::fs;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::scene::Scene;
use crate::harness::{PATIENCE, ms};

/// A program in a terminal; gone with it when this is dropped.
pub(crate) struct Screen<'a> {
    scene: &'a Scene,
    name: String,
    socket: String,
}

impl<'a> Screen<'a> {
    /// A chat in a terminal of 80 columns, connected.
    #[track_caller]
    pub(crate) fn chat(scene: &'a Scene, name: &str) -> Self {
        let screen = Self::of(scene, name, &format!("chat --as {name}"), (80, 40));
        screen.wait("the connection", |shown| shown.contains("* connected: "));
        screen
    }

    /// `keepline` with these arguments in a terminal of so many columns and rows. Behind its end stands its exit code,
    /// and `icanon` if the terminal is as it was.
    #[track_caller]
    pub(crate) fn of(scene: &'a Scene, name: &str, arguments: &str, (columns, rows): (u16, u16)) -> Self {
        // Behind a shell: a child of tmux's own that is stopped, it lets go on at once.
        let script = scene.path(&format!("run-{name}.sh"));
        let inner = format!("echo $$ >pid-{name}; exec {} {arguments}", env!("CARGO_BIN_EXE_keepline"));
        let verb = arguments.split(' ').next().unwrap_or_default();
        let ended = format!("echo {verb} ended with $?, $(stty -a | grep -o -e '-\\?icanon')");
        fs::write(&script, format!("sh -c '{inner}'\n{ended}\n")).expect("a script");
        Self::running(scene, name, &format!("sh {}", script.display()), (columns, rows))
    }

    /// A shell with job control, of which a command runs when it is typed.
    #[track_caller]
    pub(crate) fn shell(scene: &'a Scene, name: &str) -> Self {
        let screen = Self::running(scene, name, "env PS1='shell: ' bash --norc -i", (80, 40));
        screen.wait("a shell", |shown| last(shown) == "shell:");
        screen
    }

    #[track_caller]
    fn running(scene: &'a Scene, name: &str, program: &str, (columns, rows): (u16, u16)) -> Self {
        let socket = scene.path(&format!("tmux-{name}")).to_str().expect("a path in UTF-8").to_owned();
        let screen = Self { scene, name: name.to_owned(), socket };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let size = ["-x", &columns, "-y", &rows];
        // It stays when its program has ended, so that the end can be read.
        screen.tmux(&[&["-f", "/dev/null", "new-session", "-d"], &size[..], &[program, ";"]].concat());
        screen.tmux(&["set-option", "-g", "remain-on-exit", "on"]);
        screen
    }

    /// Types text.
    #[track_caller]
    pub(crate) fn type_in(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// Presses keys by their names, as `Enter` or `C-c`.
    #[track_caller]
    pub(crate) fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Pastes text, as a mouse does: a program that asks for it is told where the paste begins and ends.
    #[track_caller]
    pub(crate) fn paste(&self, text: &str) {
        let file = self.scene.path(&format!("paste-{}", self.name));
        fs::write(&file, text).expect("a file");
        self.tmux(&["load-buffer", file.to_str().expect("a path in UTF-8")]);
        self.tmux(&["paste-buffer", "-p"]);
    }

    /// Waits until what is shown fits, and returns it.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let by = Instant::now() + PATIENCE;
        loop {
            let shown = self.shown();
            if fits(&shown) {
                return shown;
            }
            assert!(Instant::now() < by, "{what} is not shown, but:\n{shown}");
            sleep(ms(20));
        }
    }

    /// What is shown now, without empty lines at its end.
    #[track_caller]
    pub(crate) fn shown(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p", "-J", "-S", "-"]);
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    /// Sends the program a signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        let told = fs::read_to_string(self.scene.path(&format!("pid-{}", self.name))).expect("its number");
        let number = told.trim().parse().expect("a number");
        kill_process(Pid::from_raw(number).expect("a process"), signal).expect("our own process");
    }

    #[track_caller]
    fn tmux(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().expect("tmux runs");
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.scene.program("tmux");
        command.args(["-u", "-S", &self.socket]).args(arguments).env("TERM", "xterm-256color");
        command
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]).output();
    }
}

/// The last line of what is shown: where one types.
pub(crate) fn last(shown: &str) -> &str {
    shown.lines().last().unwrap_or_default()
}
