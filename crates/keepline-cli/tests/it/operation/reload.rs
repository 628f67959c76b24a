//! A server that is told to read its settings again, and that tells systemd how it is.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Instant;

use keepline_witness::request;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::keepline;
use crate::harness::{Folder, Host, PATIENCE, Process, hello_of};

/// A new certificate and its key.
fn renew(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(folder.join("cert.pem"), made.cert.pem()).expect("a file");
    let key = folder.join("key.pem");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("our own file");
}

fn serve(folder: &Folder, variables: &[(&str, &str)]) -> (Process, Value) {
    let mut arguments = "serve --json --memory --config keepline.toml --drain 0s".to_owned();
    for flag in ["--http", "--tcp", "--admin", "--cim-http"] {
        arguments.push_str(&format!(" {flag} 127.0.0.1:0"));
    }
    let mut command = keepline(&arguments, variables);
    command.current_dir(folder.path());
    let server = Process::spawn("keepline serve", command);
    let told = server.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", server.complaint()));
    (server, serde_json::from_str(&told.text).expect("JSON"))
}

/// Has it read all again, and waits until it has told each of these.
fn hangup(server: &Process, told: &[&str]) {
    server.signal(Signal::HUP);
    let mut wanted = told.to_vec();
    while !wanted.is_empty() {
        let line = server.err("an account of the reload", |line| wanted.iter().any(|word| line.contains(word)));
        wanted.retain(|word| !line.contains(word));
    }
}

/// Makes something of ann's.
fn make(http: SocketAddr, path: &'static str, body: Value) -> Value {
    let answer = Host::here().run(async move { request(http, "POST", path, None, Some(&body)).await });
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 201);
    serde_json::from_slice(&answer.body).expect("JSON")
}

/// A line that is welcome; `None` if it is turned away.
fn login(tcp: SocketAddr, token: &str, device: &str) -> Option<TcpStream> {
    let mut line = TcpStream::connect(tcp).expect("it listens");
    line.set_read_timeout(Some(PATIENCE)).expect("an open socket");
    // It may be closed before this is written.
    let _ = line.write_all(&hello_of(token, device));
    let mut word = [0; 3];
    match line.read_exact(&mut word) {
        Ok(()) => (word[1..] == [0x8a, 0x01]).then_some(line),
        Err(error) => {
            assert!([ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset].contains(&error.kind()), "{error}");
            None
        }
    }
}

/// Whether the server has not closed it.
fn is_open(line: &mut TcpStream) -> bool {
    line.set_nonblocking(true).expect("an open socket");
    loop {
        match line.read(&mut [0; 4096]) {
            Ok(1..) => {}
            Ok(0) => return false,
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn g3_a_hangup_has_it_read_again_what_can_be_and_name_what_waits() {
    let folder = Folder::new("reload");
    renew(folder.path());
    let tls = "[listen.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
    let settings = |text: &str| fs::write(folder.path().join("keepline.toml"), format!("{tls}{text}")).expect("a file");
    settings("[log]\nfilter = \"warn\"\n");
    let (mut server, told) = serve(&folder, &[]);
    let tcp: SocketAddr = told["tcp"].as_str().and_then(|address| address.parse().ok()).expect("an address");
    hangup(&server, &["the certificate is the same"]);
    renew(folder.path());
    // What is no hello of TLS is told of at debug, and was not so far.
    let strange = || TcpStream::connect(tcp).and_then(|mut line| line.write_all(b"GET /\r\n\r\n")).expect("it listens");
    strange();
    settings("[log]\nfilter = \"warn,keepline=debug\"\n[server]\nname = \"east\"\n");
    hangup(
        &server,
        &[
            "reloaded key=\"log.filter\" value=\"warn,keepline=debug\" was=\"warn\"",
            "waits for a restart key=\"server.name\" value=\"east\" was=\"keepline\"",
            "another certificate is shown",
        ],
    );
    // Who trusts the new one and no other is let in.
    let port = told["http"].as_str().and_then(|address| address.rsplit_once(':')).expect("a port").1;
    let mut client = keepline(&format!("users --as ann --ca cert.pem --server https://localhost:{port}"), &[]);
    client.current_dir(folder.path()).env("XDG_CONFIG_HOME", folder.path());
    let ran = client.output().expect("it runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    strange();
    server.err("the line that is debug", |line| line.contains("upgrade failed"));
    fs::write(folder.path().join("cert.pem"), "nonsense").expect("a file");
    settings("[log]\nfilter = \"debug\"\nfomat = \"json\"\n");
    hangup(&server, &["there is no key log.fomat; did you mean log.format?", "the old one is shown on"]);
    server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).success(), "{}", server.complaint());
}

/// Limits that are written anew hold from then on, who is in stays, and what is wrong changes nothing.
#[test]
fn g3_a_hangup_changes_limits_under_lines_that_stay() {
    let folder = Folder::new("reload-limits");
    let settings = |text: &str| fs::write(folder.path().join("keepline.toml"), text).expect("a file");
    settings("");
    let (mut server, told) = serve(&folder, &[]);
    let at = |name: &str| told[name].as_str().and_then(|address| address.parse().ok()).expect("an address");
    make(at("http"), "/v1/accounts", json!({ "user": "ann", "password": "correct horse" }));
    let tokens = ["one", "two", "three"].map(|device| {
        let asked = json!({ "user": "ann", "password": "correct horse", "device": device });
        (device, make(at("http"), "/v1/tokens", asked)["token"].as_str().expect("a token").to_owned())
    });
    let enters = |device: &str| {
        let (_, token) = tokens.iter().find(|(of, _)| *of == device).expect("its token");
        login(at("tcp"), token, device)
    };
    let mut lines = ["one", "two"].map(|device| enters(device).unwrap_or_else(|| panic!("{}", server.complaint())));

    settings("[limits]\nmax_connections = 1\n");
    hangup(&server, &["reloaded key=\"limits.max_connections\" value=\"1\" was=\"\""]);
    assert!(enters("three").is_none(), "beside two, of whom one may be there");
    settings("[limits]\nmax_connections = \"some\"\n");
    hangup(&server, &["limits.max_connections is a whole number"]);
    assert!(enters("three").is_none(), "as before");
    settings("[server]\nname = \"east\"\n");
    let waits = "waits for a restart key=\"server.name\" value=\"east\" was=\"keepline\"";
    hangup(&server, &["reloaded key=\"limits.max_connections\" value=\"\" was=\"1\"", waits]);
    assert!(enters("three").is_some(), "{}", server.complaint());
    // Each can be, but not together.
    settings("[limits]\nmax_connections = 1\n[liveness]\nsilence = \"10s\"\n");
    hangup(&server, &["is below twice the ping interval"]);
    assert!(enters("three").is_some(), "{}", server.complaint());
    assert!(lines.iter_mut().all(is_open), "who was in is in");
    server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).success(), "{}", server.complaint());
}

#[test]
fn systemd_is_told_when_it_serves_reloads_lives_and_stops() {
    let folder = Folder::new("notify");
    fs::write(folder.path().join("keepline.toml"), "").expect("a file");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    let variables = [("NOTIFY_SOCKET", path.to_str().expect("UTF-8")), ("WATCHDOG_USEC", "10000000")];
    let (mut server, _) = serve(&folder, &variables);
    let told = |what: &str| {
        let mut words = [0; 512];
        loop {
            let length = socket.recv(&mut words).unwrap_or_else(|error| panic!("no {what}: {error}"));
            let words = String::from_utf8_lossy(&words[..length]).into_owned();
            if words.lines().any(|word| word == what) {
                return words;
            }
        }
    };
    assert!(told("READY=1").contains("STATUS=room for"));
    told("WATCHDOG=1");
    server.signal(Signal::HUP);
    assert!(told("RELOADING=1").contains("MONOTONIC_USEC="));
    told("READY=1");
    server.signal(Signal::TERM);
    assert!(
        told("STOPPING=1").contains("EXTEND_TIMEOUT_USEC=60000000"),
        "no drain, and a minute for what is in flight"
    );
    assert!(server.wait(PATIENCE).success(), "{}", server.complaint());
}
