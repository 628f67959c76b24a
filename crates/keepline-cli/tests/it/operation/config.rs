//! Settings as an operator gives them: over one another, refused with their place, shown with where they come from.

use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::Instant;

use serde_json::Value;

use super::keepline;
use crate::harness::{Folder, PATIENCE, Process};

fn ran(arguments: &str, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = keepline(arguments, variables).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

fn file(folder: &Folder, text: &str) -> PathBuf {
    let path = folder.path().join("keepline.toml");
    fs::write(&path, text).expect("a file");
    path
}

#[test]
fn a_server_goes_by_its_file_and_what_is_said_over_it() {
    let folder = Folder::new("config-serve");
    let file = file(
        &folder,
        "[listen]\nhttp = \"127.0.0.1:0\"\ntcp = \"127.0.0.1:0\"\nadmin = \"off\"\n[cim]\nhttp = \"off\"\n\
         [store]\nmemory = true\n[limits]\nmax_connections = 7\n",
    );
    let arguments = format!("serve --json --config {}", file.display());
    for (arguments, variables, connections) in [
        (arguments.clone(), &[][..], 7),
        (arguments.clone(), &[("KEEPLINE_LIMITS__MAX_CONNECTIONS", "8")], 8),
        (format!("{arguments} --max-connections 9"), &[("KEEPLINE_LIMITS__MAX_CONNECTIONS", "8")], 9),
        ("serve --json".to_owned(), &[("KEEPLINE_CONFIG", file.to_str().expect("UTF-8"))], 7),
    ] {
        let server = Process::spawn("keepline serve", keepline(&arguments, variables));
        let line = server.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", server.complaint()));
        let told: Value = serde_json::from_str(&line.text).expect("JSON");
        assert_eq!(told["connections"], connections, "{arguments} {variables:?}: {told}");
        assert_eq!(told["admin"], Value::Null);
    }
}

#[test]
fn what_is_wrong_is_told_line_by_line_and_the_server_does_not_start() {
    let folder = Folder::new("config-wrong");
    let path = file(&folder, "[listen]\nhtpp = \"127.0.0.1:0\"\n[store]\nkeep_messages = \"many\"\n");
    let variables = [("KEEPLINE_LIVENESS__SILENSE", "1m")];
    let (code, out, said) = ran(&format!("serve --config {}", path.display()), &variables);
    assert_eq!((code, out.as_str()), (Some(2), ""), "{said}");
    for line in [
        format!("{} line 2: there is no key listen.htpp; did you mean listen.http?", path.display()),
        format!("{} line 4: store.keep_messages is a whole number, and not a string", path.display()),
        "KEEPLINE_LIVENESS__SILENSE: there is no key liveness.silense; did you mean liveness.silence, \
         KEEPLINE_LIVENESS__SILENCE?"
            .to_owned(),
    ] {
        assert!(said.contains(&line), "no {line:?} in {said}");
    }
    let (code, _, checked) = ran(&format!("config check {}", path.display()), &variables);
    assert_eq!(code, Some(2));
    assert!(checked.contains("listen.htpp") && !checked.contains("SILENSE"), "the file alone: {checked}");
}

#[test]
fn what_contradicts_itself_is_found_by_the_check() {
    let folder = Folder::new("config-check");
    let path = file(&folder, "[liveness]\nsilence = \"30s\"\n");
    let (code, _, said) = ran(&format!("config check {}", path.display()), &[]);
    assert!(code == Some(2) && said.contains("silence limit 30s is below twice the ping interval"), "{said}");
    // Each of them, in one go: by the check, by doctor and by a start.
    let path = file(&folder, "[liveness]\nsilence = \"30s\"\nlogin_within = \"0s\"\n[server]\nname = \"\"\n");
    let sources = format!("--config {} --memory", path.display());
    for command in [format!("config check {}", path.display()), format!("doctor {sources}"), format!("serve {sources}")]
    {
        let (_, out, said) = ran(&command, &[]);
        for fault in ["silence limit 30s", "zero time to log in", "the server's name is"] {
            assert!(out.contains(fault) || said.contains(fault), "{command}: no {fault}: {out}{said}");
        }
    }
    let path = file(&folder, "[liveness]\nsilence = \"50s\"\n");
    let (code, out, said) = ran(&format!("config check {}", path.display()), &[]);
    assert!(code == Some(0) && out.ends_with("a server can work with it\n"), "{out}{said}");
}

#[test]
fn the_default_file_is_one_that_a_server_takes_and_changes_nothing() {
    let folder = Folder::new("config-default");
    let (code, sample, _) = ran("config default", &[]);
    assert_eq!(code, Some(0));
    let path = file(&folder, &sample);
    let (code, out, said) = ran(&format!("config check {}", path.display()), &[]);
    assert_eq!(code, Some(0), "{out}{said}");
    let values = |shown: &str| -> Vec<(Value, Value)> {
        let rows = shown.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        rows.map(|row| (row["key"].clone(), row["value"].clone())).collect()
    };
    let (_, with, _) = ran(&format!("config show --json --config {}", path.display()), &[]);
    let (_, without, _) = ran("config show --json", &[]);
    assert!(without.contains("\"listen.http\""), "{without}");
    assert_eq!(values(&with), values(&without));
}

#[test]
fn what_is_in_force_is_shown_with_who_said_so_and_no_secret() {
    let secret = "canary-0123456789-0123456789-0123456789";
    let variables = [("KEEPLINE_ADMIN__TOKEN", secret), ("RUST_LOG", "info"), ("KEEPLINE_SERVER__NAME", "east")];
    let (code, out, said) = ran("config show --json --silence 90s", &variables);
    assert_eq!(code, Some(0), "{said}");
    let found = |key: &str| -> (String, String) {
        let rows = out.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let row = rows.into_iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("no {key} in {out}"));
        (row["value"].as_str().expect("text").to_owned(), row["from"].as_str().expect("text").to_owned())
    };
    for (key, value, from) in [
        ("admin.token", "***", "KEEPLINE_ADMIN__TOKEN"),
        ("log.filter", "info", "RUST_LOG"),
        ("server.name", "east", "KEEPLINE_SERVER__NAME"),
        ("liveness.silence", "90s", "--silence"),
        ("listen.http", "127.0.0.1:8083", "default"),
    ] {
        assert_eq!(found(key), (value.to_owned(), from.to_owned()), "{key}");
    }
    let (code, table, said) = ran("config show", &variables);
    assert!(code == Some(0) && table.contains("***"), "{table}{said}");
    assert!(!format!("{out}{table}{said}").contains("canary"));
}

/// Each was taken once, and did what nobody wanted: nothing at all, or a server that lets nobody in.
#[test]
fn what_would_do_nothing_or_harm_is_refused_where_it_stands() {
    let folder = Folder::new("config-slips");
    for (text, line, what) in [
        ("name = \"x\"", 1, "there is no key name; did you mean server.name?"),
        ("listen = 3", 1, "listen is a section, with keys in it: keepline config default prints them"),
        ("[listen]\ntls = \"x\"", 2, "listen.tls is a section, with keys in it: keepline config default prints them"),
        ("[listen.http]\na = 1", 1, "listen.http is a key, and no section"),
        ("[tokens]\nkey = \"k\"", 2, "there is no key tokens.key; did you mean tokens.keys?"),
        ("[server]\nworkers = 0x10", 2, "server.workers is a whole number, in decimal"),
        ("[log]\nfilter = \"inof\"", 2, "log.filter = \"inof\": there is no level inof; did you mean info?"),
        ("[store]\ndata = \"\"", 2, "store.data = \"\": write a folder, as keepline-data"),
        ("[limits]\ndevices = 0", 2, "limits.devices = \"0\": write a whole number above 0, as 8"),
        ("[liveness]\nslow_after = \"200y\"", 2, "liveness.slow_after = \"200y\": write at most 1d"),
    ] {
        let path = file(&folder, text);
        let (code, out, said) = ran(&format!("config check {}", path.display()), &[]);
        let wanted = format!("keepline: {} line {line}: {what}\n", path.display());
        assert_eq!((code, out.as_str(), said), (Some(2), "", wanted), "{text}");
    }
}

#[test]
fn a_variable_that_lacks_an_underscore_is_told_and_an_empty_one_is_none() {
    let (code, _, said) = ran("config show", &[("KEEPLINE_LISTEN_HTTP", "127.0.0.1:1")]);
    let wanted = "keepline: KEEPLINE_LISTEN_HTTP: two underscores follow a section: write KEEPLINE_LISTEN__HTTP\n";
    assert_eq!((code, said.as_str()), (Some(2), wanted));
    let (_, out, said) = ran("config show", &[("KEEPLINE_LISTEN__TLS_CERT", "x")]);
    assert!(said.contains("did you mean listen.tls.cert, KEEPLINE_LISTEN__TLS__CERT?"), "{out}{said}");
    // Of a tool, and of whoever else has such a name.
    let others = [("KEEPLINE_ADMIN_TOKEN", "x"), ("KEEPLINE_SERVICE_HOST", "10.0.0.1"), ("KEEPLINE_CONFIG", "")];
    let (code, out, said) = ran("config show --json", &others);
    assert!(code == Some(0) && out.lines().all(|line| line.contains("\"from\":\"default\"")), "{out}{said}");
    let (code, _, said) = ran("config show --config none.toml", &[("KEEPLINE_CONFIG", "other.toml")]);
    assert!(code == Some(2) && said.starts_with("keepline: none.toml: "), "the flag is over the variable: {said}");
}
