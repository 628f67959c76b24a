//! The audit log of a server as a process: each action leaves its line, for the operator's eyes only.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use keepline_witness::request;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::keepline;
use crate::harness::{ADMIN_TOKEN, ADMIN_VARIABLE, Folder, Host, PATIENCE, Process, Raw, hello_of};

const PASSWORD: &str = "correct horse battery";

/// A server in a folder of its own.
struct Scene {
    server: Process,
    told: Value,
    host: Host,
}

impl Scene {
    #[track_caller]
    fn new(folder: &Folder, arguments: &str) -> Self {
        let free = "--http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin 127.0.0.1:0 --cim off --drain 0s";
        let mut command = keepline(&format!("serve --json {free} {arguments}"), &[(ADMIN_VARIABLE, ADMIN_TOKEN)]);
        command.current_dir(folder.path());
        let server = Process::spawn("keepline serve", command);
        let line = server.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", server.complaint()));
        Self { server, told: serde_json::from_str(&line.text).expect("JSON"), host: Host::here() }
    }

    fn address(&self, name: &str) -> SocketAddr {
        self.told[name].as_str().expect("an address").parse().expect("an address")
    }

    #[track_caller]
    fn ask(&self, to: &str, method: &'static str, path: &str, token: Option<&str>, body: Value) -> (u16, Value) {
        let (to, path, token) = (self.address(to), path.to_owned(), token.map(str::to_owned));
        let body = (!body.is_null()).then_some(body);
        let asked = self.host.run(async move { request(to, method, &path, token.as_deref(), body.as_ref()).await });
        let answer = asked.unwrap_or_else(|error| panic!("{error}; {}", self.server.complaint()));
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null))
    }

    /// A new user's token for this device.
    #[track_caller]
    fn token(&self, user: &str, device: &str) -> String {
        let _ = self.ask("http", "POST", "/v1/accounts", None, json!({ "user": user, "password": PASSWORD }));
        let credentials = json!({ "user": user, "password": PASSWORD, "device": device });
        let (status, issued) = self.ask("http", "POST", "/v1/tokens", None, credentials);
        assert_eq!(status, 201, "{issued}");
        issued["token"].as_str().expect("a token").to_owned()
    }

    /// Ends it in order, so that all is written.
    #[track_caller]
    fn stop(mut self) {
        self.server.signal(Signal::TERM);
        assert!(self.server.wait(PATIENCE).success(), "{}", self.server.complaint());
    }
}

/// `actor action object outcome` of each line; each is of this machine, or of the server itself.
fn read(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("an audit log");
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let of = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let at = of("at");
        assert!(at.len() == 24 && at.starts_with("20") && at.ends_with('Z'), "{at}");
        assert!(of("actor") == "@server" || of("address").starts_with("127.0.0.1:"), "{line}");
        ["actor", "action", "object", "outcome"].map(of).join(" ")
    };
    text.lines().map(line).collect()
}

#[test]
fn each_action_leaves_its_line_and_no_secret_does() {
    let folder = Folder::new("audit");
    let scene = Scene::new(&folder, "");
    let ann = scene.token("ann", "phone");
    strangers_and_groups(&scene, &ann);
    let [by_admin, replaced, by_ann] = kicks(&scene, &ann);
    let copy = folder.path().join("copy.redb");
    assert_eq!(scene.ask("admin", "POST", "/backup", Some(ADMIN_TOKEN), json!({ "to": copy })).0, 200);
    assert_eq!(scene.ask("admin", "POST", "/backup", Some(ADMIN_TOKEN), json!({ "to": "canary-file" })).0, 422);
    assert_eq!(scene.ask("http", "DELETE", "/v1/tokens/current", Some(&ann), Value::Null).0, 204);
    let bob = scene.token("bob", "desk");
    let change = json!({ "old": PASSWORD, "new": "canary-password" });
    assert_eq!(scene.ask("http", "PUT", "/v1/accounts/me/password", Some(&bob), change).0, 204);
    let eve = scene.token("eve", "desk");
    assert_eq!(scene.ask("http", "DELETE", "/v1/tokens", Some(&eve), Value::Null).0, 204);
    assert_eq!(scene.ask("admin", "POST", "/drain", Some(ADMIN_TOKEN), Value::Null).0, 202);
    let path = folder.path().join("keepline-data/audit.log");
    let mut server = scene.server;
    assert!(server.wait(PATIENCE).success(), "{}", server.complaint());

    let lines = read(&path);
    let mut rest = lines.iter();
    for wanted in [
        &format!("@server start {} ok", env!("CARGO_PKG_VERSION")),
        "ann account.create  ok",
        "ann token.issue phone ok",
        "ann token.issue phone bad_credentials",
        "@server ban ann from 127.0.0.1 ok",
        "bob account.create  ok",
        " authenticate /v1/accounts/me auth_failed",
        "ann group.create team ok",
        "ann group.change team open ok",
        "ann group.role team/bob admin ok",
        "ann group.remove team/bob ok",
        "ann group.delete none not_found",
        "ann group.delete team ok",
        " login  auth_failed",
        "ann login phone ok",
        &format!(" authenticate session {by_admin} of ann, phone auth_failed"),
        &format!("@admin kick session {by_admin} of ann, phone ok"),
        "ann login phone ok",
        &format!("ann takeover session {replaced} of ann, phone ok"),
        "ann login phone ok",
        &format!("ann kick session {by_ann} of ann, phone ok"),
        "@admin backup /backup ok",
        "@admin backup /backup bad_fields",
        "ann token.revoke phone ok",
        "bob password.change  ok",
        "eve token.revoke_all  ok",
        "@admin drain /drain ok",
        "@server drain over 0ns ok",
        "@server stop  ok",
    ] {
        assert!(rest.any(|line| line == wanted), "no {wanted:?} in its place in {lines:#?}");
    }
    assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).expect("text");
    for secret in ["canary", PASSWORD, ADMIN_TOKEN, &ann, &bob, &eve] {
        assert!(!text.contains(secret), "{secret} stands in {text}");
    }
}

/// Wrong passwords until the ban, a token of nobody's, and the life of a group.
fn strangers_and_groups(scene: &Scene, ann: &str) {
    let wrong = json!({ "user": "ann", "password": "canary-wrong", "device": "phone" });
    for _ in 0..5 {
        assert_eq!(scene.ask("http", "POST", "/v1/tokens", None, wrong.clone()).0, 401);
    }
    let _ = scene.ask("http", "POST", "/v1/accounts", None, json!({ "user": "bob", "password": PASSWORD }));
    assert_eq!(scene.ask("http", "GET", "/v1/accounts/me", Some("canary-token"), Value::Null).0, 401);
    let team = json!({ "group": "team", "title": "canary-title", "members": ["bob"] });
    for (method, path, body, status) in [
        ("POST", "/v1/groups", team, 201),
        ("PATCH", "/v1/groups/team", json!({ "open": true }), 200),
        ("PUT", "/v1/groups/team/members/bob", json!({ "role": "admin" }), 204),
        ("DELETE", "/v1/groups/team/members/bob", Value::Null, 204),
        ("DELETE", "/v1/groups/none", Value::Null, 404),
        ("DELETE", "/v1/groups/team", Value::Null, 204),
    ] {
        assert_eq!(scene.ask("http", method, path, Some(ann), body).0, status, "{method} {path}");
    }
}

/// A line with a token of nobody's, and three of ann's, which the admin listener, the third and she herself end. Their
/// numbers.
fn kicks(scene: &Scene, ann: &str) -> [u64; 3] {
    let mut stranger = Raw::connect(scene.address("tcp"));
    stranger.send(&hello_of("canary-line", "phone"));
    stranger.read_to_end();
    let log_in = || {
        let mut line = Raw::connect(scene.address("tcp"));
        line.send(&hello_of(ann, "phone"));
        (line, live(scene))
    };
    let (mut line, first) = log_in();
    let path = format!("/sessions/{first}");
    for (token, status) in [("canary-admin", 401), (ADMIN_TOKEN, 204)] {
        assert_eq!(scene.ask("admin", "DELETE", &path, Some(token), Value::Null).0, status);
    }
    line.read_to_end();
    let (mut replaced, second) = log_in();
    let mut line = Raw::connect(scene.address("tcp"));
    line.send(&hello_of(ann, "phone"));
    replaced.read_to_end();
    let third = live(scene);
    assert_eq!(scene.ask("http", "DELETE", &format!("/v1/sessions/{third}"), Some(ann), Value::Null).0, 204);
    line.read_to_end();
    [first, second, third]
}

/// The number of the one live session.
#[track_caller]
fn live(scene: &Scene) -> u64 {
    let by = Instant::now() + PATIENCE;
    loop {
        let (_, sessions) = scene.ask("admin", "GET", "/sessions", Some(ADMIN_TOKEN), Value::Null);
        if let Some(number) = sessions["sessions"][0]["session"].as_str() {
            return number.parse().expect("a number");
        }
        assert!(Instant::now() < by, "nobody logs in: {}", scene.server.complaint());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_hangup_begins_a_new_file_where_the_old_one_was_moved() {
    let folder = Folder::new("audit-moved");
    fs::write(folder.path().join("keepline.toml"), "[audit]\nfile = \"who.log\"\n").expect("a file");
    let scene = Scene::new(&folder, "--memory --config keepline.toml");
    let (now, old) = (folder.path().join("who.log"), folder.path().join("who.log.1"));
    let _ = scene.token("ann", "phone");
    fs::rename(&now, &old).expect("it is there");
    // One that can be taken, and one that can't; what they are is not told.
    let settings = "[audit]\nfile = \"who.log\"\n[limits]\nmax_memory = \"4GiB\"\n[server]\nname = \"east\"\n";
    fs::write(folder.path().join("keepline.toml"), settings).expect("a file");
    scene.server.signal(Signal::HUP);
    let by = Instant::now() + PATIENCE;
    while !fs::read_to_string(&now).is_ok_and(|text| text.contains("settings")) {
        assert!(Instant::now() < by, "{}", scene.server.complaint());
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = scene.token("bob", "phone");
    scene.stop();
    let start = format!("@server start {} ok", env!("CARGO_PKG_VERSION"));
    assert_eq!(read(&old), [&start, "ann account.create  ok", "ann token.issue phone ok"]);
    let wanted = [
        "@server reload limits.max_memory ok",
        "@server reload server.name needs_restart",
        "@server reload settings ok",
        "bob account.create  ok",
        "bob token.issue phone ok",
        "@server drain over 0ns ok",
        "@server stop  ok",
    ];
    assert_eq!(read(&now), wanted);
}

#[test]
fn a_full_disk_costs_no_login_and_is_counted() {
    let folder = Folder::new("audit-full");
    let scene = Scene::new(&folder, "--memory --audit /dev/full");
    let _ = scene.token("ann", "phone");
    scene.server.err("a word of it", |line| line.contains("lines of the audit log are lost"));
    let metrics = |scene: &Scene| {
        let (admin, host) = (scene.address("admin"), &scene.host);
        let answer = host.run(async move { request(admin, "GET", "/metrics", Some(ADMIN_TOKEN), None).await });
        String::from_utf8(answer.expect("an answer").body).expect("text")
    };
    let by = Instant::now() + PATIENCE;
    while !metrics(&scene).contains("keepline_audit_lost_total 3\n") {
        assert!(Instant::now() < by, "{}", metrics(&scene));
    }
    scene.stop();
}

#[test]
fn with_memory_or_off_there_is_none_and_one_that_can_t_be_written_starts_no_server() {
    let folder = Folder::new("audit-off");
    for arguments in ["--memory", "--audit off"] {
        let scene = Scene::new(&folder, arguments);
        let _ = scene.token("ann", "phone");
        scene.stop();
    }
    assert!(!folder.path().join("keepline-data/audit.log").exists() && !folder.path().join("off").exists());
    let free = "--http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin off --cim off --memory";
    let mut command = keepline(&format!("serve {free} --audit none/audit.log"), &[]);
    let output = command.current_dir(folder.path()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("the audit log none/audit.log: No such file"), "{said}");
}
