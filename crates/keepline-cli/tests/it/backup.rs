//! Backup and restore, from end to end: what was said to a server is said by the one that was restored.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::Signal;
use serde_json::Value;

use super::harness::{PATIENCE, Process};

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path in UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed stays under target/.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn keepline(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepline"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    keepline(arguments).output().expect("keepline runs")
}

/// A server on free ports, and where it listens.
fn serve(data: &str) -> (Process, Value) {
    let free = "127.0.0.1:0";
    let arguments =
        ["serve", "--http", free, "--tcp", free, "--admin", free, "--cim-http", "off", "--json", "--data", data];
    let server = Process::spawn("server", keepline(&arguments));
    let line = server.out("addresses", |line| line.starts_with('{'));
    (server, serde_json::from_str(&line).expect("a line of JSON"))
}

fn stop(mut server: Process) {
    server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).success(), "{}", server.complaint());
}

/// The status of one request to our own API.
fn post(address: &Value, path: &str, body: &Value) -> u16 {
    let address = address.as_str().expect("an address");
    let (mut stream, body) = (TcpStream::connect(address).expect("a server"), body.to_string());
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nConnection: close\r\n");
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).expect("a server that listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

#[test]
fn a_running_server_is_backed_up_and_another_restored_from_it() {
    let folder = Folder::new("backup");
    let (data, backup, other) = (folder.path("data"), folder.path("copy"), folder.path("other"));
    let (server, at) = serve(&data);
    let ann = serde_json::json!({ "user": "ann", "password": "correct horse battery" });
    assert_eq!(post(&at["http"], "/v1/accounts", &ann), 201);

    let in_use = run(&["backup", "--to", &backup, "--data", &data]);
    let said = String::from_utf8_lossy(&in_use.stderr);
    assert!(!in_use.status.success() && said.contains("--admin"), "{said}");
    let admin = at["admin"].as_str().expect("an admin listener");
    let token = format!("{data}/admin.token");
    let copied = run(&["backup", "--to", &backup, "--admin", admin, "--admin-token-file", &token]);
    assert!(copied.status.success(), "{copied:?}");
    let again = run(&[
        "backup",
        "--to",
        &backup,
        "--admin",
        &format!("http://{admin}"),
        "--json",
        "--admin-token-file",
        &token,
    ]);
    assert_eq!(again.status.code(), Some(1), "a backup was written over: {again:?}");
    let second = run(&[
        "backup",
        "--to",
        &folder.path("second"),
        "--admin",
        &format!("http://{admin}"),
        "--json",
        "--admin-token-file",
        &token,
    ]);
    let told: Value = serde_json::from_slice(&second.stdout).expect("a line of JSON");
    assert!(told["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{told}");
    let over = run(&["restore", "--from", &backup, "--data", &data, "--force"]);
    assert!(String::from_utf8_lossy(&over.stderr).contains("in use"), "{over:?}");
    stop(server);

    let restored = run(&["restore", "--from", &backup, "--data", &other]);
    assert!(restored.status.success(), "{restored:?}");
    let (server, at) = serve(&other);
    assert_eq!(post(&at["http"], "/v1/accounts", &ann), 409, "ann has her account");
    let token = serde_json::json!({ "user": "ann", "password": "correct horse battery", "device": "phone" });
    assert_eq!(post(&at["http"], "/v1/tokens", &token), 201, "and her password");
    stop(server);
    let gone = run(&["backup", "--to", &folder.path("x"), "--admin", admin]);
    assert_eq!(gone.status.code(), Some(3), "nothing listens there any more: {gone:?}");

    let refused = run(&["restore", "--from", &backup, "--data", &other]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--force"), "{refused:?}");
    assert!(run(&["restore", "--from", &backup, "--data", &other, "--force"]).status.success());
    assert!(run(&["backup", "--to", &folder.path("offline"), "--data", &other]).status.success());
    let none = run(&["backup", "--to", &folder.path("x"), "--data", &folder.path("nothing")]);
    assert!(!none.status.success() && !folder.0.join("nothing").exists(), "a backup made a store: {none:?}");
}

#[test]
fn what_is_in_the_way_of_a_copy_is_named() {
    let folder = Folder::new("backup-named");
    let (data, backup) = (folder.path("data"), folder.path("copy"));
    stop(serve(&data).0);
    assert!(run(&["backup", "--to", &backup, "--data", &data]).status.success());
    let again = run(&["backup", "--to", &backup, "--data", &data]);
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(again.status.code() == Some(1) && said.contains("copy is there already: name a new file"), "{said}");
    let missing = run(&["restore", "--from", &folder.path("missing"), "--data", &data, "--force"]);
    let said = String::from_utf8_lossy(&missing.stderr);
    assert!(
        missing.status.code() == Some(1) && said.contains("missing: No such file") && !said.contains("data dir"),
        "{said}"
    );
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("the device");
    let unheard = keepline(&["restore", "--from", &backup, "--data", &folder.path("unheard")]).stdout(full).output();
    assert_eq!(unheard.expect("it runs").status.code(), Some(1), "no panic");
}
