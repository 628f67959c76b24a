//! A server that is told to read its settings again, and that tells systemd how it is.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Instant;

use rustix::process::Signal;

use super::keepline;
use crate::harness::{Folder, PATIENCE, Process};

/// A new certificate and its key.
fn renew(folder: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(folder.join("cert.pem"), made.cert.pem()).expect("a file");
    let key = folder.join("key.pem");
    fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("our own file");
}

fn serve(folder: &Folder, variables: &[(&str, &str)]) -> Process {
    let mut arguments = "serve --json --memory --config keepline.toml --drain 0s".to_owned();
    for flag in ["--http", "--tcp", "--admin"] {
        arguments.push_str(&format!(" {flag} 127.0.0.1:0"));
    }
    let mut command = keepline(&arguments, variables);
    command.current_dir(folder.path());
    let server = Process::spawn("keepline serve", command);
    server.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", server.complaint()));
    server
}

#[test]
fn g3_a_hangup_has_it_read_again_what_can_be_and_name_what_waits() {
    let folder = Folder::new("reload");
    renew(folder.path());
    let tls = "[listen.tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
    let settings = |text: &str| fs::write(folder.path().join("keepline.toml"), format!("{tls}{text}")).expect("a file");
    settings("[log]\nfilter = \"warn\"\n");
    let mut server = serve(&folder, &[]);
    let hangup = |settled: &[&str]| {
        server.signal(Signal::HUP);
        let mut wanted = settled.to_vec();
        while !wanted.is_empty() {
            let line = server.err("an account of the reload", |line| wanted.iter().any(|word| line.contains(word)));
            wanted.retain(|word| !line.contains(word));
        }
    };
    hangup(&["the certificate is the same"]);
    renew(folder.path());
    settings("[log]\nfilter = \"info\"\n[server]\nname = \"east\"\n");
    hangup(&[
        "reloaded key=\"log.filter\" value=\"info\"",
        "waits for a restart key=\"server.name\" value=\"east\" was=\"keepline\"",
        "another certificate is shown",
    ]);
    fs::write(folder.path().join("cert.pem"), "nonsense").expect("a file");
    settings("[log]\nfilter = \"debug\"\nfomat = \"json\"\n");
    hangup(&["there is no key log.fomat; did you mean log.format?", "the old one is shown on"]);
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
    let mut server = serve(&folder, &variables);
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
    told("STOPPING=1");
    assert!(server.wait(PATIENCE).success(), "{}", server.complaint());
}
