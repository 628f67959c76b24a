//! Failures: the page about them has each way in which a connection or a command ends, and no other.

use std::process::Command;

use keepline::{Reason, Reconnect};
use keepline_server::metrics::Metrics;

use super::page::page;
use crate::tidy::assert_none;

/// The cells of the rows below a heading, without the two lines on top of the table.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let text = page("docs/failures.md").text;
    let below = text.split_once(&format!("## {heading}\n")).map(|(_, below)| below);
    let below = below.unwrap_or_else(|| panic!("no heading {heading:?}"));
    let section = below.split("\n## ").next().unwrap_or_default();
    let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn every_reason_has_its_row_and_what_a_client_does() {
    let told: Vec<_> = rows("Why a connection ended").into_iter().map(|row| row[..3].join(" ")).collect();
    let wanted: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| {
            let back = match reason.reconnect() {
                Reconnect::Yes => "yes".to_owned(),
                Reconnect::No => "no".to_owned(),
                Reconnect::After(wait) => format!("after {} s", wait.to_std().as_secs()),
            };
            format!("{} `{reason}` {back}", reason.code())
        })
        .collect();
    assert_eq!(told, wanted, "docs/failures.md is not the table of reasons");
}

#[test]
fn every_exit_code_has_its_row() {
    let help = Command::new(env!("CARGO_BIN_EXE_keepline")).arg("--help").output().expect("it runs");
    let help = String::from_utf8(help.stdout).expect("UTF-8");
    let (_, codes) = help.split_once("Exit codes:\n").expect("the help has them");
    let codes: Vec<_> = codes.lines().map_while(|line| line.trim().split_once("  ")).map(|(code, _)| code).collect();
    assert!(codes.len() > 4, "{help}");
    let told: Vec<_> = rows("Exit codes").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(told, codes, "docs/failures.md is not the table of exit codes");
}

#[test]
fn every_metric_that_a_page_names_is_counted() {
    let counted = |name: &str| {
        let plain = ["_total", "_seconds"].into_iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        Metrics::ROWS.iter().any(|row| row.name == plain)
    };
    let mut findings = Vec::new();
    let mut named = 0;
    for path in ["docs/failures.md", "docs/howto.md", "docs/operation.md"] {
        let text = page(path).text;
        // In backquotes: `keepline_store_up`.
        for name in text.split('`').skip(1).step_by(2).filter(|name| name.starts_with("keepline_")) {
            named += 1;
            if name != "keepline_server" && !counted(name) {
                findings.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(named > 10, "the names were not found");
    assert_none(&findings, "the server counts what the pages name");
}
