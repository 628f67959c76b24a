//! Escape: what others write is no command to our terminal, whichever way it comes.

use std::process::Stdio;

use super::fake::Fake;
use super::scene::{Person, Scene};
use super::terminal::Terminal;

/// Clears the screen, names the window, turns the text round, and begins a line that nobody wrote.
pub(super) const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}gpj.exe\r\nbob: yes\u{7f}";

/// Whether a text has a character that a terminal takes for a command; line ends of ours aside.
pub(super) fn has_command(text: &str) -> bool {
    text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}')
}

#[test]
fn messages_titles_and_errors_are_escaped() {
    let scene = Scene::open();
    scene.ok(&["users", "--as", "bob"]);
    let sent = scene.person.run_with(&["send", "bob", "-", "--as", "ann"], &[], EVIL.as_bytes());
    assert_eq!(sent.code, Some(0), "{sent:?}");
    scene.ok(&["groups", "create", "team", "bob", "--title", EVIL, "--as", "ann"]);
    scene.ok(&["schedule", "add", "bob", EVIL, "--in", "1h", "--as", "ann"]);
    for arguments in [&["history", "ann"][..], &["history", "--search", "gpj"], &["groups"], &["history"]] {
        let text = scene.ok(&[arguments, &["--as", "bob"]].concat());
        assert!(!has_command(&text), "{text:?}");
        assert_eq!(text.lines().count(), if arguments == ["history"] { 4 } else { 2 }, "one line an entry: {text:?}");
        let json = scene.ok(&[arguments, &["--as", "bob", "--json"]].concat());
        assert!(!has_command(&json), "{json:?}");
    }
    assert!(scene.ok(&["history", "ann", "--as", "bob"]).contains("\\u{1b}[2J"));
    assert!(!has_command(&scene.ok(&["schedule", "--as", "ann"])));
    let message = scene.json(&["history", "ann", "--as", "bob"]);
    assert_eq!(message[0]["text"], EVIL, "a program gets what was said");
}

#[test]
fn words_of_a_server_are_escaped() {
    let evil = serde_json::to_string(EVIL).expect("a text");
    let refusal = format!(r#"{{"error":{{"code":{evil},"message":{evil},"retry":false}}}}"#);
    let fake = Fake::answering(vec![("500 x", refusal)]);
    let ran = Person::new("x").run(&["conns", &format!("--admin={}", fake.url)]);
    assert!(ran.code == Some(1) && ran.err.contains("\\u{1b}[2J") && !has_command(&ran.err), "{ran:?}");
}

#[test]
fn a_table_on_a_terminal_has_no_commands_but_ours() {
    let scene = Scene::open();
    scene.ok(&["users", "--as", "bob"]);
    scene.ok(&["send", "bob", EVIL, "--as", "ann"]);
    let shown = |variables: &[(&str, &str)]| {
        let terminal = Terminal::open();
        let mut command = scene.person.command(env!("CARGO_BIN_EXE_keepline"), &["history", "ann", "--as", "bob"]);
        command.stdout(terminal.side()).stderr(Stdio::inherit()).envs(variables.iter().copied());
        let code = command.status().expect("it runs").code();
        // Its own end of the terminal goes with it, so that what was shown has an end.
        drop(command);
        assert_eq!(code, Some(0));
        terminal.shown()
    };
    let styled = shown(&[("TERM", "xterm")]);
    assert!(styled.contains("\u{1b}[1m│ CONVERSATION") && styled.contains("\u{1b}[0m"), "{styled:?}");
    let ours = styled.replace("\u{1b}[1m", "").replace("\u{1b}[0m", "").replace("\r\n", "\n");
    assert!(ours.contains("\\u{1b}[2J") && !has_command(&ours), "{ours:?}");
    for variables in [[("TERM", "xterm"), ("NO_COLOR", "1")], [("TERM", "dumb"), ("NO_COLOR", "")]] {
        let plain = shown(&variables).replace("\r\n", "\n");
        assert!(plain.contains("│ CONVERSATION") && !has_command(&plain), "{plain:?}");
    }
}
