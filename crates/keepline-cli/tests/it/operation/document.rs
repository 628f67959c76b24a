//! docs/operation.md: each of its commands that begins with `keepline` does what the page says.

use std::path::Path;
use std::time::Instant;

use super::keepline;
use crate::harness::{Folder, PATIENCE, Process};

#[test]
fn every_command_of_the_page_runs() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operation.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let commands: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("keepline ")).collect();
    assert!(commands.len() >= 7, "{commands:?}");
    let folder = Folder::new("page");
    let (mut server, mut port) = (None, None);
    for command in commands {
        if command.contains("--admin") && server.is_none() {
            // On a port of its own: what the page says is the default.
            let free = "127.0.0.1:0";
            let mut serve = keepline(&format!("serve --json --http {free} --tcp {free} --admin {free} --cim off"), &[]);
            serve.current_dir(folder.path());
            let process = Process::spawn("keepline serve", serve);
            let line =
                process.next_line(Instant::now() + PATIENCE).unwrap_or_else(|| panic!("{}", process.complaint()));
            let told: serde_json::Value = serde_json::from_str(&line.text).expect("JSON");
            port = Some(told["admin"].as_str().expect("an address").to_owned());
            server = Some(process);
        }
        let (command, into) =
            command.split_once(" > ").map_or((command, None), |(command, file)| (command, Some(file)));
        let mut arguments = command.to_owned();
        if let Some(admin) = &port {
            arguments = arguments.replace("127.0.0.1:8084", admin);
            if arguments.ends_with("--admin") {
                arguments.push_str(&format!("=http://{admin}"));
            }
        }
        if arguments.starts_with("doctor") {
            arguments.push_str(" --http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin 127.0.0.1:0 --cim off");
        }
        let output = keepline(&arguments, &[]).current_dir(folder.path()).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "keepline {arguments}: {said}{}", String::from_utf8_lossy(&output.stdout));
        if let Some(file) = into {
            std::fs::write(folder.path().join(file), &output.stdout).expect("a file");
        }
    }
    assert!(server.is_some(), "the page says nothing of the admin listener");
}

#[test]
fn the_version_says_of_which_commit_it_is() {
    let output = keepline("--version", &[]).output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    let commit = said.trim().strip_prefix("keepline ").and_then(|rest| rest.split_once(" (")).map(|(_, commit)| commit);
    let commit = commit.and_then(|commit| commit.strip_suffix(')')).unwrap_or_else(|| panic!("{said:?}"));
    assert!(commit == "unknown" || (commit.len() == 12 && commit.bytes().all(|b| b.is_ascii_hexdigit())), "{said:?}");
}
