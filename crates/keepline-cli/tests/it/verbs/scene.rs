//! Scene: a server on free ports that keeps nothing, and a person with a folder for his credentials.

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::harness::{ADMIN_TOKEN, ADMIN_VARIABLE, Folder, PATIENCE, Process, hello_of};

/// A server, and a person beside it.
pub(super) struct Scene {
    pub(super) person: Person,
    pub(super) http: String,
    pub(super) admin: String,
    pub(super) tcp: String,
    _server: Process,
}

/// Somebody with a folder of his own, and nothing in his environment.
pub(super) struct Person {
    folder: Folder,
    server: String,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Scene {
    pub(super) fn open() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keepline"));
        command.args(["serve", "--json", "--memory", "--drain", "0s"]);
        for listener in ["--http", "--tcp", "--admin", "--cim-http"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        command.env(ADMIN_VARIABLE, ADMIN_TOKEN);
        let server = Process::spawn("keepline serve", command);
        let line = server.next_line(Instant::now() + PATIENCE).expect("it says where it listens");
        let told: Value = serde_json::from_str(&line.text).expect("a line of JSON");
        let address = |name: &str| told[name].as_str().expect("an address").to_owned();
        let (http, admin) = (format!("http://{}", address("http")), format!("http://{}", address("admin")));
        Self { person: Person::new(&http), http, admin, tcp: address("tcp"), _server: server }
    }

    /// Opens a session of a user's, with a new token; the session's line and its device.
    #[track_caller]
    pub(super) fn session(&self, user: &str) -> (TcpStream, String) {
        let issued = &self.json(&["token", "new", "--as", user])[0];
        let text = |name: &str| issued[name].as_str().expect("a text").to_owned();
        let (token, device) = (text("token"), text("device"));
        let mut line = TcpStream::connect(&self.tcp).expect("it listens");
        line.write_all(&hello_of(&token, &device)).expect("an open socket");
        // Its welcome: the session is there.
        assert_eq!(line.read(&mut [0]).expect("an open socket"), 1);
        (line, device)
    }

    /// Runs a command of the person's.
    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        self.person.run(arguments)
    }

    /// Runs a command that must succeed; what it printed.
    #[track_caller]
    pub(super) fn ok(&self, arguments: &[&str]) -> String {
        self.person.run(arguments).ok()
    }

    /// Runs a command that must succeed, with `--json`; its lines.
    #[track_caller]
    pub(super) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.ok(&[arguments, &["--json"]].concat());
        text.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
    }
}

impl Person {
    /// Somebody who talks to this server.
    pub(super) fn new(server: &str) -> Self {
        Self { folder: Folder::new("person"), server: server.to_owned() }
    }

    pub(super) fn credentials(&self) -> PathBuf {
        self.folder.path().join("keepline/credentials.json")
    }

    pub(super) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a file for the test");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
        path.to_str().expect("a path in UTF-8").to_owned()
    }

    /// A command in his environment.
    pub(super) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("XDG_CONFIG_HOME", self.folder.path()).env("KEEPLINE_SERVER", &self.server);
        command.env("KEEPLINE_ADMIN_TOKEN", ADMIN_TOKEN);
        command
    }

    #[track_caller]
    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[], b"")
    }

    /// With variables, and with bytes on stdin. Without a terminal, whatever the test has.
    #[track_caller]
    pub(super) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)], input: &[u8]) -> Ran {
        let mut command = self.command("setsid", &[&["-w", env!("CARGO_BIN_EXE_keepline")], arguments].concat());
        command.envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("setsid is part of util-linux");
        // One that does not want it has ended.
        let _ = child.stdin.take().expect("stdin is a pipe").write_all(input);
        let ended = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("all it says is UTF-8");
        Ran { code: ended.status.code(), out: text(ended.stdout), err: text(ended.stderr) }
    }
}

impl Ran {
    #[track_caller]
    pub(super) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }
}
