//! Shell: a chat as a job of a shell, which stops it and lets it go on.

use rustix::process::Signal;

use super::scene::Scene;
use super::screen::{Screen, last};

#[test]
fn a_chat_that_is_stopped_goes_on_with_its_terminal_and_what_was_typed() {
    let Some(scene) = Scene::open() else { return };
    let _server = scene.serve("");
    let (ann, mut bob) = (Screen::shell(&scene, "ann"), scene.chat("bob"));
    ann.type_in(&format!("sh -c 'echo $$ >pid-ann; exec {} chat --as ann'", env!("CARGO_BIN_EXE_keepline")));
    ann.press("Enter");
    ann.wait("the connection", |shown| shown.contains("* connected: ") && last(shown) == "all>");
    for (round, by_key) in [true, false].into_iter().enumerate() {
        ann.type_in("half");
        ann.wait("what is typed", |shown| last(shown) == "all> half");
        if by_key {
            ann.press("C-z");
        } else {
            ann.signal(Signal::TSTP);
        }
        ann.wait("the shell", |shown| shown.matches("Stopped").count() == round + 1 && last(shown) == "shell:");
        ann.type_in("echo in the sh''ell");
        ann.press("Enter");
        ann.wait("what the shell shows and says", |shown| {
            shown.contains("shell: echo in the sh''ell") && shown.matches("\nin the shell").count() == round + 1
        });
        bob.say(&format!("said in round {round}"));
        bob.out("that it is stored", |line| line.contains("stored as number"));
        ann.type_in("fg");
        ann.press("Enter");
        ann.wait("what was said", |shown| shown.contains(&format!("[all] bob: said in round {round}")));
        ann.wait("what was typed", |shown| last(shown) == "all> half");
        ann.type_in(&format!(" and whole {round}"));
        ann.press("Enter");
        bob.out("the line", |line| line.ends_with(&format!("[all] ann: half and whole {round}")));
        let shown = ann.wait("the prompt", |shown| last(shown) == "all>");
        assert!(!shown.contains("^["), "an answer of the terminal is no text: {shown}");
    }
    ann.press("C-d");
    ann.wait("the shell", |shown| last(shown) == "shell:");
    ann.type_in("echo now $(stty -a | grep -o -w -e '-*icanon' -e '-*echo')");
    ann.press("Enter");
    ann.wait("a terminal as it was", |shown| shown.ends_with("\nnow icanon echo\nshell:"));
}
