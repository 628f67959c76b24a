//! A server and its clients over TLS, as programs: trusted by a file, and by nothing less.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use serde_json::Value;

use super::keepline;
use crate::harness::{Folder, PATIENCE, Process};

#[test]
fn verbs_and_lines_go_over_tls_to_who_is_trusted_and_to_nobody_else() {
    let folder = Folder::new("tls");
    let made = |name: &str| {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        fs::write(folder.path().join(format!("{name}.pem")), made.cert.pem()).expect("a file");
        let key = folder.path().join(format!("{name}.key"));
        fs::write(&key, made.signing_key.serialize_pem()).expect("a file");
        fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("our own file");
    };
    made("server");
    made("another");
    let free = "127.0.0.1:0";
    let arguments =
        format!("serve --json --memory --http {free} --tcp {free} --tls-cert server.pem --tls-key server.key");
    let mut command = keepline(&format!("{arguments} --admin {free}"), &[]);
    command.current_dir(folder.path());
    let server = Process::spawn("keepline serve", command);
    let line = server.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", server.complaint()));
    let told: Value = serde_json::from_str(&line.text).expect("JSON");
    let port =
        |name: &str| told[name].as_str().and_then(|address| address.rsplit_once(':')).expect("a port").1.to_owned();
    assert_eq!(told["cim_http"], Value::Null, "cim's clients speak no TLS");
    let url = format!("https://localhost:{}", port("http"));
    let config = folder.path().join("config");
    let home = config.to_str().expect("UTF-8");
    let command = |arguments: &str, variables: &[(&str, &str)]| {
        let mut command = keepline(arguments, variables);
        command.current_dir(folder.path()).env("XDG_CONFIG_HOME", home).env("KEEPLINE_SERVER", &url);
        command
    };
    let run = |arguments: &str, variables: &[(&str, &str)]| {
        let output = command(arguments, variables).output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let trusted = [("KEEPLINE_CA", "server.pem")];
    for (arguments, variables) in [
        ("users --as ann", &[][..]),
        ("users --as ann --ca another.pem", &[]),
        ("users --as ann --server https://127.0.0.1:PORT", &trusted),
    ] {
        let (code, _, said) = run(&arguments.replace("PORT", &port("http")), variables);
        assert!(code == Some(3) && said.contains("certificate"), "{arguments}: {code:?} {said}");
    }
    let (code, _, said) = run("users --as ann --ca server.key", &[]);
    assert!(code == Some(2) && said.contains("no certificate in PEM"), "{said}");
    let (code, _, said) = run("send ann first --as ann --ca server.pem", &[]);
    assert_eq!(code, Some(0), "{said}");

    // Where its lines come in, the server says.
    let follows = command("sub --as ann --json --count 1", &trusted);
    let follows = Process::spawn("keepline sub", follows);
    let by = Instant::now() + PATIENCE;
    while run("conns --as ann --json", &trusted).1.is_empty() {
        assert!(Instant::now() < by, "no line over TLS; {}", follows.complaint());
    }
    let (code, _, said) = run("send ann second --as bob", &trusted);
    assert_eq!(code, Some(0), "{said}");
    let ended = follows.end();
    assert!(ended.code == Some(0) && ended.out.concat().contains("second"), "{ended:?}");
}
