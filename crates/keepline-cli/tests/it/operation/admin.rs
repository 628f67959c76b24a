//! The admin listener's token: made once, for its owner alone, and asked for.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use keepline_witness::request;
use serde_json::{Value, json};

use super::keepline;
use crate::harness::{Folder, Host, PATIENCE, Process};

/// A server that keeps its data where it is started, as somebody's who just tries it.
fn server(folder: &Folder) -> (Process, SocketAddr) {
    let free = "127.0.0.1:0";
    let arguments = format!("serve --json --http {free} --tcp {free} --admin {free} --cim off");
    let mut command = keepline(&arguments, &[("RUST_LOG", "trace")]);
    command.current_dir(folder.path());
    let server = Process::spawn("keepline serve", command);
    let line = server.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", server.complaint()));
    let told: Value = serde_json::from_str(&line.text).expect("JSON");
    (server, told["admin"].as_str().expect("an address").parse().expect("an address"))
}

fn status(admin: SocketAddr, method: &'static str, path: &'static str, token: Option<String>) -> u16 {
    let body = json!({});
    let asked = Host::here().run(async move { request(admin, method, path, token.as_deref(), Some(&body)).await });
    asked.expect("an answer").status
}

#[test]
fn d9_only_who_has_the_token_does_anything_and_it_is_told_to_nobody() {
    let folder = Folder::new("admin-token");
    let (server, admin) = server(&folder);
    let file = folder.path().join("keepline-data/admin.token");
    assert_eq!(fs::metadata(&file).expect("a token").permissions().mode() & 0o777, 0o600);
    let token = fs::read_to_string(&file).expect("a token").trim().to_owned();
    assert_eq!(token.len(), 64);
    let near = format!("{}x", &token[..63]);
    let cmdline = fs::read_to_string(format!("/proc/{}/cmdline", server.pid().as_raw_pid())).expect("it runs");
    for (method, path, without, with) in [
        ("GET", "/health", 200, 200),
        ("GET", "/ready", 200, 200),
        ("GET", "/metrics", 401, 200),
        ("GET", "/sessions", 401, 200),
        ("DELETE", "/sessions/1", 401, 404),
        ("POST", "/backup", 401, 422),
        ("POST", "/accounts", 401, 422),
        // The last: it ends.
        ("POST", "/drain", 401, 202),
    ] {
        for wrong in [None, Some(String::new()), Some(near.clone()), Some(token[..63].to_owned())] {
            assert_eq!(status(admin, method, path, wrong.clone()), without, "{method} {path} with {wrong:?}");
        }
        assert_eq!(status(admin, method, path, Some(token.clone())), with, "{method} {path}");
    }
    let ended = server.end();
    let all = format!("{}{}{cmdline}", ended.out.join("\n"), ended.err.join("\n"));
    assert!(all.contains("without its token") && all.contains("is in keepline-data/admin.token"), "{all}");
    assert!(!all.contains(&token) && !all.contains(&near), "it stands in {all}");
}

#[test]
fn tools_find_the_token_where_the_server_keeps_it_or_where_they_are_told() {
    let folder = Folder::new("admin-tools");
    let (server, admin) = server(&folder);
    let file = folder.path().join("keepline-data/admin.token");
    let token = fs::read_to_string(&file).expect("a token").trim().to_owned();
    let conns = format!("conns --json --admin=http://{admin}");
    let ran = |arguments: &str, variables: &[(&str, &str)], place: &Path| {
        let mut command: Command = keepline(arguments, variables);
        let output = command.current_dir(place).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let elsewhere = Folder::new("admin-elsewhere");
    let named = format!("{conns} --admin-token-file {}", file.display());
    for (arguments, variables, place, code) in [
        (&conns, &[][..], folder.path(), Some(0)),
        (&named, &[], elsewhere.path(), Some(0)),
        (&conns, &[("KEEPLINE_ADMIN_TOKEN", token.as_str())], elsewhere.path(), Some(0)),
        (&conns, &[("KEEPLINE_ADMIN_TOKEN", "another")], folder.path(), Some(4)),
    ] {
        let (ended, said) = ran(arguments, variables, place);
        assert_eq!(ended, code, "{arguments} {variables:?}: {said}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("our own file");
    let (code, said) = ran(&named, &[], elsewhere.path());
    assert!(code == Some(2) && said.contains("others can read this secret"), "{said}");
    drop(server);
}
