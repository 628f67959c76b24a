//! Commands: the pages whose commands are run, each by a test, and the few commands that are not, each with its reason.

use super::page::{Block, Kind, page, pages};
use super::place::Place;
use super::script::Script;
use crate::tidy::{File, assert_none, files, root};

macro_rules! pages {
    ($($test:ident = $path:literal;)+) => {
        /// The pages whose commands are run.
        const RUN: &[&str] = &[$($path),+];

        $(
            #[test]
            fn $test() {
                run($path);
            }
        )+
    };
}

pages! {
    the_commands_of_the_readme_work = "README.md";
    the_commands_of_contributing_work = "CONTRIBUTING.md";
    the_commands_of_the_tutorial_work = "docs/tutorial.md";
    the_commands_of_the_how_to_work = "docs/howto.md";
    the_commands_of_the_page_about_failures_work = "docs/failures.md";
    the_commands_of_the_page_about_the_chat_work = "docs/chat.md";
    the_commands_of_the_page_about_the_verbs_work = "docs/verbs.md";
    the_commands_of_the_page_about_operation_work = "docs/operation.md";
}

/// The blocks that are not run: the page, how the block begins, and why.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("README.md", "scripts/test", "this test is a part of it"),
    ("CONTRIBUTING.md", "scripts/test", "this test is a part of it"),
    ("docs/tutorial.md", "cargo install", "an optimized build takes minutes; scripts/test makes the same one"),
    ("docs/operation.md", "systemctl reload", "needs systemd as the first process; signals are tried by it::operation"),
    ("docs/top.md", "keepline top\n", "needs a terminal; it::top::document runs it in one"),
    ("docs/top.md", "keepline top --once", "it::top::document runs it, beside the others of its page"),
    ("fuzz/README.md", "mkdir -p artifacts/found", "needs a nightly compiler; `scripts/test --long` runs each target"),
];

/// Has the commands of the README; `languages` compares the two.
const TWIN: &str = "README.zh-CN.md";

fn run(path: &str) {
    let script = Script::of(&page(path), |block| reason(path, block).is_none());
    assert!(!script.steps.is_empty(), "{path} has no commands");
    let Some(place) = Place::open(&script) else { return };
    println!("{path}: {} steps", script.steps.len());
    place.run(&script);
}

/// Why a block is not run.
fn reason(path: &str, block: &Block) -> Option<&'static str> {
    let text = block.lines.join("\n");
    let fits = |(page, begin, _): &&(&str, &str, &str)| *page == path && text.starts_with(begin);
    NOT_RUN.iter().find(fits).map(|(_, _, reason)| *reason)
}

/// Whether a source takes this page into its documentation.
fn includes(source: &File, page: &str) -> bool {
    let folder = root().join(&source.path).with_file_name("");
    let wanted = root().join(page).canonicalize().expect("the page is there");
    let mut included = source.text.split("doc = include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next());
    included.any(|path| folder.join(path).canonicalize().is_ok_and(|path| path == wanted))
}

#[test]
fn every_block_of_every_page_is_run_or_has_a_reason() {
    let sources = files(".rs");
    let mut findings = Vec::new();
    for page in pages() {
        for block in page.blocks() {
            let place = format!("{}:{}", page.path, block.line);
            match block.kind() {
                None => findings.push(format!("{place}: is `{}` a command, code or only shown?", block.info)),
                Some(Kind::Console | Kind::Script) if page.path == TWIN || RUN.contains(&&page.path[..]) => {}
                Some(Kind::Console | Kind::Script) if reason(&page.path, &block).is_some() => {}
                Some(Kind::Console | Kind::Script) => findings.push(format!("{place}: nothing runs it")),
                Some(Kind::Rust) => {
                    if !sources.iter().any(|file| includes(file, &page.path)) {
                        findings.push(format!("{place}: no crate takes this page into its documentation tests"));
                    }
                }
                Some(Kind::Shown) => {
                    let command = |line: &&String| line.starts_with("$ ");
                    let commands = block.lines.iter().filter(command);
                    findings.extend(commands.map(|line| format!("{place}: `{line}` is shown, and run by nobody")));
                }
            }
        }
    }
    assert_none(&findings, "every block of commands is run by a test, or stands in NOT_RUN with its reason");
}

#[test]
fn what_is_not_run_is_there_once() {
    let mut findings = Vec::new();
    for (path, begin, reason) in NOT_RUN {
        let begins = |block: &Block| block.commands() && block.lines.join("\n").starts_with(begin);
        let blocks = page(path).blocks().into_iter().filter(begins).count();
        if blocks != 1 || reason.is_empty() {
            findings.push(format!("{path}: {blocks} blocks begin with `{begin}`"));
        }
    }
    assert_none(&findings, "each row of NOT_RUN is of one block that is there");
}
