//! The log under attack: no flood, no forged line, and no secret in it or anywhere else.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use keepline_witness::request;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::keepline;
use crate::harness::{ADMIN_VARIABLE, Folder, Host, PATIENCE, Process, Raw, hello_of};

const FREE: &str = "--http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin 127.0.0.1:0 --cim-http 127.0.0.1:0";

fn serve(arguments: &str, variables: &[(&str, &str)]) -> (Process, Value) {
    let server = Process::spawn("keepline serve", keepline(&format!("serve --json {FREE} {arguments}"), variables));
    let line = server.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", server.complaint()));
    (server, serde_json::from_str(&line.text).expect("JSON"))
}

fn address(told: &Value, name: &str) -> SocketAddr {
    told[name].as_str().expect("an address").parse().expect("an address")
}

#[test]
fn b11_a_flood_is_a_few_lines_a_second_and_a_count_of_the_rest() {
    const ATTACKS: u64 = 300;
    for format in ["text", "json"] {
        let (mut server, told) = serve(&format!("--memory --log-format {format}"), &[]);
        let (admin, host) = (address(&told, "admin"), Host::here());
        let begun = Instant::now();
        for _ in 0..ATTACKS {
            let answer = host.run(async move { request(admin, "GET", "/sessions", Some("wrong"), None).await });
            assert_eq!(answer.expect("an answer").status, 401);
        }
        let seconds = begun.elapsed().as_secs() + 2;
        server.signal(Signal::TERM);
        assert!(server.wait(PATIENCE).success());
        let log = server.end().err;
        let told = log.iter().filter(|line| line.contains("without its token") && !line.contains("suppressed"));
        let told = told.count() as u64;
        assert!((10..=10 * seconds).contains(&told), "{told} lines in {seconds} s");
        let held: u64 = log.iter().filter(|line| line.contains("lines suppressed")).map(|line| lines_of(line)).sum();
        assert_eq!(told + held, ATTACKS, "{log:#?}");
    }
}

/// The number in `lines=7`, or in `"lines":7`.
fn lines_of(line: &str) -> u64 {
    let number = line.split("lines=").nth(1).or_else(|| line.split("\"lines\":").nth(1)).expect("a count");
    let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

/// A word of others that comes into the log as they wrote it: where a backup goes.
#[test]
fn b11_a_path_with_a_line_end_in_it_forges_no_line() {
    let folder = Folder::new("forged");
    let token = "0123456789-0123456789-0123456789-0123456789";
    let variables = [(ADMIN_VARIABLE, token), ("KEEPLINE_LOG__FILTER", "info")];
    let (mut server, told) = serve(&format!("--data {}", folder.path().join("data").display()), &variables);
    let (admin, host) = (address(&told, "admin"), Host::here());
    let asked = json!({ "to": folder.path().join("copy\nWARN forged\r") });
    let answer = host.run(async move { request(admin, "POST", "/backup", Some(token), Some(&asked)).await });
    assert_eq!(answer.expect("an answer").status, 200);
    server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).success());
    let log = server.end().err;
    assert!(log.iter().any(|line| line.contains("copy\\nWARN forged\\r")), "{log:#?}");
    assert!(!log.iter().any(|line| line.starts_with("WARN")), "{log:#?}");
}

/// With its reason by itself: to count by, and so that a flood of one hides no other.
#[test]
fn the_end_of_a_session_is_a_line_with_its_reason_side_and_age() {
    let (mut server, told) = serve("--memory --log-format json --log-filter info --drain 0s", &[]);
    let (http, host) = (address(&told, "http"), Host::here());
    let ask = |path: &'static str, body: Value| {
        let answer = host.run(async move { request(http, "POST", path, None, Some(&body)).await }).expect("an answer");
        serde_json::from_slice::<Value>(&answer.body).expect("JSON")
    };
    let credentials = json!({ "user": "ann", "password": "correct horse battery" });
    let _ = ask("/v1/accounts", credentials);
    let issued = ask("/v1/tokens", json!({ "user": "ann", "password": "correct horse battery", "device": "phone" }));
    let mut line = Raw::connect(address(&told, "tcp"));
    line.send(&hello_of(issued["token"].as_str().expect("a token"), "phone"));
    assert!(!line.is_quiet_for(PATIENCE), "the welcome");
    server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).success());
    let log: Vec<Value> = server.end().err.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let ends: Vec<_> = log.iter().filter(|line| line["message"] == "session ended").collect();
    let [end] = ends[..] else { panic!("{log:#?}") };
    assert_eq!((&end["user"], &end["reason"], &end["side"]), (&json!("ann"), &json!("draining"), &json!("server")));
    assert!(end["open_ms"].is_u64() && end["report"].is_string(), "{end}");
}

/// Of all that a server leaves on the disk none says what a secret is, but for the file that is there to tell the
/// operator.
#[track_caller]
fn files_keep_no_secret(data: &Path, secrets: &[&str]) {
    let (mut folders, mut names) = (vec![data.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let bytes = fs::read(&entry).expect("a file");
            for secret in secrets {
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{secret} is in {}", entry.display());
            }
            names.push(entry.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default());
        }
    }
    names.sort();
    // A further file is to be thought of here.
    assert_eq!(names, ["audit.log", "data.redb"]);
}

/// Each secret has a word of its own, so that the report says which came out.
#[test]
fn d8_no_secret_is_in_a_log_a_metric_an_answer_or_a_list_of_processes() {
    let folder = Folder::new("secrets");
    let data = folder.path().join("data");
    let admin_token = "canary-admin-0123456789-0123456789-0123456789";
    let variables = [("RUST_LOG", "trace"), (ADMIN_VARIABLE, admin_token), ("KEEPLINE_LOG__RATE", "off")];
    let (server, told) = serve(&format!("--data {}", data.display()), &variables);
    let (http, admin, host) = (address(&told, "http"), address(&told, "admin"), Host::here());
    let mut outputs = vec![told.to_string()];
    let ask = |to: SocketAddr, method: &'static str, path: String, token: Option<String>, body: Value| {
        let asked = host.run(async move { request(to, method, &path, token.as_deref(), Some(&body)).await });
        let answer = asked.expect("an answer");
        (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
    };
    let credentials = |password: &str| json!({ "user": "ann", "password": password, "device": "phone" });
    let made =
        ask(http, "POST", "/v1/accounts".into(), None, json!({ "user": "ann", "password": "canary-password-1" }));
    assert_eq!(made.0, 201, "{}", made.1);
    outputs.push(made.1);
    let issued = ask(http, "POST", "/v1/tokens".into(), None, credentials("canary-password-1"));
    // The one answer that must have it.
    let token = serde_json::from_str::<Value>(&issued.1).expect("JSON")["token"].as_str().expect("a token").to_owned();
    let message = json!({ "text": "canary-message" });
    for (to, method, path, token, body) in [
        (http, "POST", "/v1/tokens", None, credentials("canary-wrong-password")),
        (
            http,
            "POST",
            "/v1/tokens",
            None,
            json!({ "user": "canary user\u{1b}", "password": "canary-password-1", "x": 1 }),
        ),
        (http, "GET", "/v1/accounts/me", Some("canary-wrong-token".to_owned()), Value::Null),
        (http, "POST", "/v1/conversations/p.ann.ann/messages", Some(token.clone()), message),
        (http, "GET", "/v1/accounts/me?token=canary-query", None, Value::Null),
        (admin, "GET", "/metrics", Some(admin_token.to_owned()), Value::Null),
        (admin, "GET", "/sessions", Some("canary-wrong-admin".to_owned()), Value::Null),
        (admin, "GET", "/sessions", Some(admin_token.to_owned()), Value::Null),
        (admin, "GET", "/health", None, Value::Null),
    ] {
        outputs.push(ask(to, method, path.to_owned(), token, body).1);
    }
    let tcp = address(&told, "tcp");
    for token in ["canary-line-token", token.as_str()] {
        use std::io::{Read as _, Write as _};
        let mut line = std::net::TcpStream::connect(tcp).expect("it listens");
        line.write_all(&hello_of(token, "phone")).expect("an open socket");
        assert!(line.read(&mut [0; 64]).is_ok_and(|read| read > 0));
    }
    outputs.push(fs::read_to_string(format!("/proc/{}/cmdline", server.pid().as_raw_pid())).expect("our own child"));
    let shown = keepline("config show", &variables).output().expect("it runs");
    assert!(shown.status.success(), "{shown:?}");
    outputs.extend([shown.stdout, shown.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()));
    server.signal(Signal::TERM);
    let ended = server.end();
    assert!(ended.err.len() > 5, "nothing was logged, so nothing was tried: {:?}", ended.err);
    outputs.extend(ended.out.into_iter().chain(ended.err));
    let audit = fs::read_to_string(data.join("audit.log")).expect("an audit log");
    assert!(audit.contains("token.issue") && audit.contains("authenticate"), "{audit}");
    outputs.push(audit);
    files_keep_no_secret(&data, &[&token, admin_token, "canary-password-1", "canary-wrong", "canary-line-token"]);
    let leaks: Vec<&String> = outputs.iter().filter(|text| text.contains("canary-") || text.contains(&token)).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
