//! Flags that can't be are refused with a sentence that says what to change; the help says what there is.

use rustix::process::{Resource, getrlimit};

use super::Process;

#[test]
fn bad_flags_are_refused_with_what_to_change() {
    for (arguments, sentence) in [
        ("echo connect nowhere", "write a host and a port, as localhost:12345"),
        ("echo connect :1", "write a host and a port, as localhost:12345"),
        ("echo connect localhost:99999", "write a host and a port, as localhost:12345"),
        ("echo connect --gap 5s", "a gap is a range: write MIN..MAX, as 0s..20s"),
        ("echo connect --gap 9s..1s", "the least gap 9s is over the longest 1s: swap them"),
        ("echo connect --gap 1..2", "write a number and its unit, as 500ms, 10s or 2m"),
        ("echo connect --all-idle 5", "write a number and its unit, as 500ms, 10s or 2m"),
        ("echo connect --all-idle 0s", "is below 1ms"),
        ("echo connect --pong-timeout never", "write a number and its unit, as 500ms, 10s or 2m"),
        ("echo connect --pong-timeout 6s", "lower the timeout or ping less often (the flags are --all-idle and"),
        ("echo connect --retry-base 0s", "make it 1ms or more (the flags are --retry-base and --retry-cap)"),
        ("echo connect --retry-cap 100ms", "raise the cap or lower the base (the flags are"),
        ("echo connect --json --log article", "two styles for one output: leave one out"),
        ("echo connect --messages -1", "write a whole number from zero up, as 10"),
        ("echo serve --json --log article", "two styles for one output: leave one out"),
        ("echo serve --log loud", "[possible values: friendly, article, quiet]"),
        ("echo serve --listen 12345", "write an IP address and a port, as 127.0.0.1:12345"),
        ("echo serve --reader-idle 0s", "--reader-idle: "),
        ("echo serve --workers 0", "1..=1024"),
        ("echo serve --max-connections many", "write a whole number from zero up, as 10"),
        ("echo serve --max-connections 0", "would refuse everybody: give at least 1"),
        ("echo serve --max-connections 999999999999", "lower it, or raise that limit (ulimit -Hn)"),
        ("echo serve --user-timeout 0s", "--user-timeout 0ns is too short: give at least 1ms, or leave it out"),
        ("echo serve --kernel-keepalive 500ms", "--kernel-keepalive 500ms is too short: give at least 1s"),
        ("echo serve --kernel-keepalive 32768s", "is longer than the kernel's limit of 32767s: give at most that"),
        ("echo serve --user-timeout 25d", "is longer than the kernel's limit of 2147483s: give at most that"),
        ("echo", "Usage: keepline echo <COMMAND>"),
    ] {
        let ended = Process::start(arguments).end();
        let said = ended.err.join("\n");
        assert!(said.contains(sentence), "`{arguments}` does not say {sentence:?} but: {said}");
        assert_eq!((ended.code, &ended.out[..]), (Some(2), &[][..]), "`{arguments}`");
    }
}

#[test]
fn the_kernel_takes_the_longest_times_that_we_take() {
    let flags = "--kernel-keepalive 32767s --user-timeout 2147483s";
    let server = Process::start(&format!("echo serve --json --listen 127.0.0.1:0 {flags}"));
    server.event("listening");
}

#[test]
fn an_address_in_use_is_a_failure_that_says_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ended = Process::start(&format!("echo serve --listen {address}")).end();
    assert_eq!(ended.code, Some(1));
    let said = ended.err.join("\n");
    assert!(
        said.contains(&format!("cannot listen on {address}")) && said.contains("choose another --listen"),
        "{said}"
    );
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_it_may_be() {
    let hard = getrlimit(Resource::Nofile).maximum;
    if hard.is_some_and(|most| most < 1000) {
        println!("SKIPPED: this needs a hard limit of 1000 open files, and has {hard:?}");
        return;
    }
    let arguments = "echo serve --json --listen 127.0.0.1:0 --max-connections 500";
    let server = Process::start_after("ulimit -Sn 300", arguments);
    server.event("listening");
}

/// After a change on purpose: `keepline echo serve --help > tests/it/echo/help-serve.txt`, and connect likewise.
#[test]
fn the_help_is_as_it_was_reviewed() {
    for (command, want) in [("serve", include_str!("help-serve.txt")), ("connect", include_str!("help-connect.txt"))] {
        let ended = Process::start(&format!("echo {command} --help")).end();
        assert_eq!(ended.out.join("\n").trim_end(), want.trim_end(), "echo {command} --help");
    }
}
