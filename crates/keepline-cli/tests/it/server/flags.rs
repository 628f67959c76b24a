//! Flags of `keepline serve`: what can't be is refused with what to change, what is unsafe is said.

use std::process::Command;
use std::time::Instant;

use crate::harness::{PATIENCE, Process};

/// `keepline serve` in memory at free ports of loopback, but for what the arguments say.
fn serve(arguments: &str) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keepline"));
    command.args(["serve", "--json", "--memory"]);
    for flag in ["--http", "--tcp", "--admin", "--cim-http"] {
        if !arguments.split(' ').any(|word| word == flag) {
            command.args([flag, "127.0.0.1:0"]);
        }
    }
    command.args(arguments.split_ascii_whitespace());
    Process::spawn("keepline serve", command)
}

#[test]
fn what_can_not_be_is_refused_with_what_to_change() {
    for (arguments, sentence) in [
        ("--keep-for 0s", "messages would be dropped as they come: keep at least"),
        ("--keep-for 30", "write a number and its unit, as 500ms, 10s or 2m"),
        ("--keep-messages 0", "messages would be dropped as they come: keep at least"),
        ("--keep-messages all", "write a whole number from zero up, as 10"),
        ("--keep-bytes 0", "messages would be dropped as they come: keep at least"),
        ("--keep-bytes 1GB", "write a whole number of bytes, KiB, MiB, GiB or TiB, as 256MiB"),
        ("--pace 0", "takes none: allow at least 1 (--pace), or set no limit (--pace off)"),
        ("--pace fast", "write a whole number of messages a second, as 20, or off"),
        ("--max-connections 0", "0 long connections would refuse everybody: allow at least 1 (--max-connections)"),
        ("--max-connections 999999999999", "or raise that limit (ulimit -n) to at least"),
        ("--http 0.0.0.0:0", "HTTP at 0.0.0.0:0 would be plaintext beyond loopback"),
        ("--tcp [::]:0", "the IM port at [::]:0 would be plaintext beyond loopback"),
        ("--tls-cert a.pem", "--tls-cert: listen.tls.cert wants listen.tls.key beside it"),
        ("--tls-key a.pem", "--tls-key: listen.tls.key wants listen.tls.cert beside it"),
        ("--cim-from 10.0.0.1/8", "write a network as 10.0.0.0/8 or fd00::/8, with nothing behind its bits"),
        ("--logins-per-minute 0", "write a whole number above 0, as 15, or off"),
        ("--name=", "the server's name is 1 to 64 bytes without control characters"),
    ] {
        let ended = serve(arguments).end();
        let said = ended.err.join("\n");
        assert!(said.contains(sentence), "`{arguments}` does not say {sentence:?} but: {said}");
        assert_eq!((ended.code, &ended.out[..]), (Some(2), &[][..]), "`{arguments}`");
    }
}

#[test]
fn what_strangers_could_read_or_be_is_said_on_stderr_at_the_start() {
    for (arguments, sentences) in [
        ("", &[][..]),
        ("--cim on", &[]),
        ("--http 0.0.0.0:0 --cim off --allow-plaintext", &["warning: HTTP at 0.0.0.0:0 is plaintext beyond loopback"]),
        ("--http 0.0.0.0:0 --cim on --allow-plaintext", &["warning: HTTP at 0.0.0.0:0 is plaintext beyond loopback"]),
        (
            "--tcp 0.0.0.0:0 --cim-from 10.0.0.0/8 --allow-plaintext",
            &[
                "warning: the IM port at 0.0.0.0:0 is plaintext beyond loopback",
                "warning: cim's dialects are on beyond loopback",
            ],
        ),
    ] {
        let server = serve(arguments);
        // Said before where it listens.
        server.next_line(Instant::now() + PATIENCE).expect("it starts");
        let mut said = String::new();
        for sentence in sentences {
            let line = server.next_complaint(Instant::now() + PATIENCE).expect("a warning").text;
            assert!(line.contains(sentence), "`{arguments}`: {line}");
            said.push_str(&line);
        }
        let rest = server.complaint();
        assert_eq!(rest.matches("warning:").count(), sentences.len(), "`{arguments}`: {rest}");
    }
}
