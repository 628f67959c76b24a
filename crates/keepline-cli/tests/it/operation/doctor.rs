//! `keepline doctor`: each fault it knows, made on purpose.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant, SystemTime};

use chrono::{Datelike as _, Days, NaiveDate, Utc};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;

use super::keepline;
use crate::harness::{Folder, PATIENCE, Process};

/// The findings that are not ok, each as `check: what`, and how it ended.
fn faults(folder: &Folder, arguments: &str) -> (Vec<String>, Option<i32>) {
    let free = "127.0.0.1:0";
    let mut whole = format!("doctor --json --cim off {arguments}");
    for flag in ["--http", "--tcp", "--admin"] {
        if !arguments.contains(&format!("{flag} ")) {
            whole.push_str(&format!(" {flag} {free}"));
        }
    }
    let output = keepline(&whole, &[]).current_dir(folder.path()).output().expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(!rows.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    // How much is free, and how fast the disk is, is the machine's.
    let told =
        |row: &&Value| row["state"] != "ok" && row["check"] != "space" && !row.to_string().contains("a write takes");
    let word = |row: &Value, name: &str| row[name].as_str().expect("text").to_owned();
    let faults = rows
        .iter()
        .filter(told)
        .map(|row| format!("{} {}: {}", word(row, "state"), word(row, "check"), word(row, "what")));
    (faults.collect(), output.status.code())
}

#[test]
fn a_machine_without_fault_has_none_and_nothing_is_left_behind() {
    let folder = Folder::new("doctor-well");
    let (faults, _) = faults(&folder, "");
    assert_eq!(faults, [] as [String; 0]);
    assert_eq!(fs::read_dir(folder.path()).expect("our folder").count(), 0, "something was left");
}

#[test]
fn each_fault_is_found_and_says_what_to_do() {
    let folder = Folder::new("doctor-ill");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address");
    fs::write(folder.path().join("file"), "").expect("a file");
    let cert = folder.path().join("cert.pem");
    fs::write(&cert, "nonsense").expect("a file");
    fs::create_dir(folder.path().join("data")).expect("a folder");
    let token = folder.path().join("data/admin.token");
    fs::write(&token, "x".repeat(64)).expect("a file");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).expect("our own file");
    let tls = format!("--tls-cert {0} --tls-key {0}", cert.display());
    for (arguments, fault) in [
        (format!("--http {taken}"), format!("fail ports: HTTP: {taken} is taken")),
        ("--silence 1s".to_owned(), "fail settings: the heartbeat's terms".to_owned()),
        ("--http 0.0.0.0:0".to_owned(), "fail settings: HTTP at 0.0.0.0:0 would be plaintext".to_owned()),
        ("--http 0.0.0.0:0 --allow-plaintext".to_owned(), "warn settings: HTTP at 0.0.0.0:0 is plaintext".to_owned()),
        ("--data file/below".to_owned(), "fail data: file/below can't be written".to_owned()),
        ("--data data".to_owned(), "fail admin token: data/admin.token: others can read".to_owned()),
        ("--max-connections 999999999".to_owned(), "fail open files: ".to_owned()),
        (tls, format!("fail certificate: {} has no certificate in PEM", cert.display())),
        ("--memory".to_owned(), "warn data: kept in memory".to_owned()),
        ("--config none.toml".to_owned(), "fail settings: none.toml: ".to_owned()),
    ] {
        let (faults, code) = faults(&folder, &arguments);
        assert!(faults.iter().any(|told| told.starts_with(&fault)), "`{arguments}`: no {fault:?} in {faults:#?}");
        assert_eq!(code == Some(1), faults.iter().any(|told| told.starts_with("fail")), "`{arguments}`: {faults:?}");
    }
}

#[test]
fn what_only_the_start_of_a_server_would_have_told_is_found() {
    let folder = Folder::new("doctor-start");
    for data in ["data", "served", "old"] {
        fs::create_dir(folder.path().join(data)).expect("a folder");
    }
    let store = fs::File::create(folder.path().join("served/data.redb")).expect("a file");
    store.try_lock().expect("nobody else has it");
    let later = SystemTime::now() + Duration::from_secs(3600);
    fs::File::create(folder.path().join("old/data.redb")).and_then(|file| file.set_modified(later)).expect("a file");
    let both = free_port();
    let table = [
        (format!("--http {both} --tcp {both}"), format!("fail ports: the IM port: {both} is taken: by another")),
        (
            format!("--http 0.0.0.0:{} --allow-plaintext --tcp {both}", both.port()),
            format!("fail ports: the IM port: {both} is taken: by another"),
        ),
        ("--data served".to_owned(), "fail data: served/data.redb is in use by another process".to_owned()),
        ("--audit none/a.log".to_owned(), "fail audit log: none/a.log can't be written: No such file".to_owned()),
        ("--memory --audit data".to_owned(), "fail audit log: data can't be written: Is a directory".to_owned()),
        (
            "--token-keys none.json --token-audience chat".to_owned(),
            "fail token keys: none.json: No such file".to_owned(),
        ),
        ("--data old".to_owned(), "fail clock: the data was written later than it says now".to_owned()),
    ];
    for (arguments, fault) in table {
        let (faults, code) = faults(&folder, &arguments);
        assert!(faults.iter().any(|told| told.starts_with(&fault)), "`{arguments}`: no {fault:?} in {faults:#?}");
        assert_eq!(code, Some(1), "`{arguments}`: {faults:?}");
    }
    assert_eq!(fs::read_dir(folder.path().join("data")).expect("our folder").count(), 0, "something was left");
}

/// A port that nobody has, at least for now.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

/// As root before the first start, where the service has a user of its own.
#[test]
fn data_of_another_user_is_named() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: data of another user (wants root)");
        return;
    }
    let folder = Folder::new("doctor-owner");
    fs::create_dir(folder.path().join("data")).expect("a folder");
    std::os::unix::fs::chown(folder.path().join("data"), Some(4242), Some(4242)).expect("we are root");
    let (faults, code) = faults(&folder, "--data data");
    let warning = "warn owner: data belongs to user 4242, and this looks as user 0: run it as the user that serves";
    assert!(faults.len() == 1 && faults[0].starts_with(warning), "{faults:?}");
    assert_eq!(code, Some(0), "a server may be root");
}

/// Writes a certificate that is valid from the one day until the other, counted from today, as two midnights in UTC.
fn write_certificate(folder: &Folder, from: i64, to: i64) {
    let date = |days: i64| {
        let (today, by) = (Utc::now().date_naive(), Days::new(days.unsigned_abs()));
        let day: Option<NaiveDate> = if days < 0 { today.checked_sub_days(by) } else { today.checked_add_days(by) };
        let day = day.expect("a day");
        date_time_ymd(day.year(), day.month() as u8, day.day() as u8)
    };
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    (params.not_before, params.not_after) = (date(from), date(to));
    let key = KeyPair::generate().expect("a key");
    fs::write(folder.path().join("c.pem"), params.self_signed(&key).expect("a certificate").pem()).expect("a file");
    let path = folder.path().join("k.pem");
    fs::write(&path, key.serialize_pem()).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("our own file");
}

/// Doctor tells it before the start, and a server in its log: it goes on, as a restart may be what is in the way.
#[test]
fn the_dates_of_a_certificate_are_told_before_the_start_and_at_it() {
    let folder = Folder::new("doctor-dates");
    let paper = "--tls-cert c.pem --tls-key k.pem";
    let table = [
        (-30, 60, "", ""),
        (-30, 10, "warn certificate: c.pem ends in ", "ends soon"),
        (-30, -1, "fail certificate: c.pem has expired at 2", "has expired"),
        (2, 60, "fail certificate: c.pem is not valid before 2", "takes the certificate yet"),
    ];
    for (from, to, told, logged) in table {
        write_certificate(&folder, from, to);
        let (faults, _) = faults(&folder, paper);
        let certificates: Vec<_> = faults.iter().filter(|fault| fault.contains(" certificate: ")).collect();
        assert_eq!(certificates.len(), usize::from(!told.is_empty()), "{from} {to}: {faults:?}");
        assert!(certificates.iter().all(|fault| fault.starts_with(told)), "{from} {to}: {faults:?}");
        if !logged.is_empty() {
            let free = "127.0.0.1:0";
            let serve = format!("serve --memory --http {free} --tcp {free} --admin off --cim off {paper}");
            let mut command = keepline(&serve, &[]);
            command.current_dir(folder.path());
            let server = Process::spawn("keepline serve", command);
            server.err(logged, |line| line.contains(logged) && line.contains("cert=c.pem"));
            assert!(server.next_line(Instant::now() + PATIENCE).is_some(), "it serves: {}", server.complaint());
        }
    }
    let key = fs::read(folder.path().join("k.pem")).expect("the key");
    write_certificate(&folder, -30, 60);
    fs::write(folder.path().join("k.pem"), key).expect("a file");
    let (faults, _) = faults(&folder, paper);
    assert!(faults.iter().any(|fault| fault.starts_with("fail certificate: c.pem and k.pem don't fit")), "{faults:?}");
}
