//! Tutorial: what its chat shows of a killed server is what a chat shows.

use std::fs;
use std::path::Path;

use super::scene::Scene;

/// What is typed in the tutorial, behind its prompt.
const TYPED: &str = "all> ";

/// The lines of the block that begins with a connection.
fn transcript() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial.md");
    let page = fs::read_to_string(page).expect("the tutorial can be read");
    let (_, block) = page.split_once("```text\n* connected").expect("the tutorial shows a chat");
    let (block, _) = block.split_once("\n```").expect("the block ends");
    format!("* connected{block}").lines().map(str::to_owned).collect()
}

/// The line without what is another at each run: words with digits in them.
fn plain(line: &str) -> String {
    let words = line.split_whitespace().filter(|word| !word.bytes().any(|byte| byte.is_ascii_digit()));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_cut_of_the_tutorial_is_told_as_it_shows() {
    let Some(scene) = Scene::open() else { return };
    let server = scene.serve("");
    let transcript = transcript();
    let typed: Vec<_> = transcript.iter().filter_map(|line| line.strip_prefix(TYPED)).collect();
    let [text, why, leave] = typed[..] else { panic!("a text, :why and :q! are typed: {typed:?}") };
    let mut ann = scene.chat("ann");
    server.kill();
    ann.out("that the line is down", |line| line.starts_with("* the line is down"));
    ann.say(text);
    ann.out("that it waits", |line| line.ends_with("waits for the line"));
    ann.out("an attempt", |line| line.starts_with("* no connection"));
    let _server = scene.serve("");
    ann.out("that it is stored", |line| line.contains("stored as number"));
    ann.say(why);
    ann.say(leave);
    let said = ann.end().out;
    let mut rest = said.iter();
    for shown in transcript.iter().filter(|line| !line.starts_with(TYPED)) {
        assert!(rest.any(|line| plain(line) == plain(shown)), "{shown:?} is not told, or not in this place: {said:#?}");
    }
}
