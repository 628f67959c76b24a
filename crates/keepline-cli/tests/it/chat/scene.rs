//! Scene: a network of its own, where the default ports are free, with a server and people in it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Folder, Net, Process, command};

/// A network, and the folder of all who are in it.
pub(crate) struct Scene {
    net: Net,
    folder: Folder,
}

impl Scene {
    /// `None` where there can be no network, which was said.
    pub(crate) fn open() -> Option<Self> {
        Some(Self { net: Net::open()?, folder: Folder::new("chat") })
    }

    /// A server on what the last one left.
    #[track_caller]
    pub(crate) fn serve(&self, flags: &str) -> Process {
        let mut command = self.keepline(&["serve", "--drain", "0s"]);
        command.args(flags.split_ascii_whitespace()).arg("--data").arg(self.folder.path().join("data"));
        let server = Process::spawn("keepline serve", command);
        server.out("word that it listens", |line| line.contains("listening on"));
        server
    }

    /// A chat whose lines come from the test, connected.
    #[track_caller]
    pub(crate) fn chat(&self, name: &str) -> Process {
        let chat = Process::spawn(name, self.keepline(&["chat", "--as", name]));
        chat.out("connection", |line| line.contains("* connected: "));
        chat
    }

    /// A command in the network and with the folders of this scene.
    pub(crate) fn keepline(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_keepline"));
        command.args(arguments);
        command
    }

    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = command(Some(&self.net.near), program.as_ref());
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("LANG", "C.UTF-8").env("TZ", "UTC").current_dir(self.folder.path());
        command.env("XDG_CONFIG_HOME", self.path("config")).env("XDG_STATE_HOME", self.path("state"));
        command
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The history of a user, every day of it.
    pub(crate) fn journal(&self, user: &str) -> String {
        let folder = self.path("state/keepline/chat/127.0.0.1_8083").join(user);
        let days = fs::read_dir(folder).expect("a history");
        let mut days: Vec<_> = days.map(|day| day.expect("an entry").path()).collect();
        days.retain(|day| day.extension().is_some_and(|end| end == "log"));
        days.sort();
        days.iter().map(|day| fs::read_to_string(day).expect("a day")).collect()
    }
}
