//! Script: a page as a case of trycmd, line by line where the page has it, and the steps that its commands become.

use std::fmt::Write as _;

use super::page::{Block, Kind, Page};

/// A page that can be run.
#[derive(Default)]
pub(super) struct Script {
    /// The case: each command is `sh step NAME`.
    pub(super) case: String,
    pub(super) steps: Vec<Step>,
}

/// What the page's shell does at once.
pub(super) struct Step {
    /// The line in the page, and how it is run.
    pub(super) name: String,
    pub(super) commands: String,
}

/// What runs until somebody ends it, and the word by which it is known that it does. Such a command is left running, as
/// in a terminal of its own.
const STAYS: [(&str, &str); 4] = [
    ("keepline", "data in"),
    ("keepline serve", "data in"),
    ("keepline echo serve", "listening on"),
    ("keepline echo connect", " echo "),
];

impl Script {
    /// Of the blocks that `runs`.
    pub(super) fn of(page: &Page, runs: impl Fn(&Block) -> bool) -> Self {
        let mut script = Self::default();
        for block in page.blocks().into_iter().filter(Block::commands).filter(|block| runs(block)) {
            match block.kind() {
                Some(Kind::Console) => script.console(&block),
                _ => script.whole(&block),
            }
        }
        script
    }

    /// Each command is a step; what it prints is compared.
    fn console(&mut self, block: &Block) {
        self.go_to(block.line);
        self.case.push_str("```console\n");
        let mut begun: Option<(usize, String)> = None;
        for (line, text) in (block.line + 1..).zip(&block.lines) {
            if let Some(command) = text.strip_prefix("$ ") {
                self.step_of(begun.replace((line, command.to_owned())));
                let way = way_of(command);
                let _ = writeln!(self.case, "$ sh step {line}.console{way}");
            } else if let (Some(more), Some((_, command))) = (text.strip_prefix("> "), &mut begun) {
                let _ = write!(command, "\n{more}");
                self.case.push_str("> \n");
            } else {
                let _ = writeln!(self.case, "{text}");
            }
        }
        self.step_of(begun);
        self.case.push_str("```\n");
    }

    fn step_of(&mut self, begun: Option<(usize, String)>) {
        let Some((line, commands)) = begun else { return };
        let name = format!("{line}.console{}", way_of(&commands));
        self.steps.push(Step { name, commands });
    }

    /// The block is one step, which prints nothing if it ends well.
    fn whole(&mut self, block: &Block) {
        let commands = block.lines.join("\n");
        let name = format!("{}.sh{}", block.line + 1, way_of(&commands));
        // The command comes where the block's last line is.
        self.go_to(block.line + block.lines.len() - 1);
        let _ = write!(self.case, "```console\n$ sh step {name}\n```\n");
        self.steps.push(Step { name, commands });
    }

    /// Fills up with empty lines.
    fn go_to(&mut self, line: usize) {
        let at = self.case.lines().count() + 1;
        self.case.extend(std::iter::repeat_n('\n', line - at));
    }
}

/// How a step is run, as the end of its name: to its end, or, behind a colon, until it has said a word.
fn way_of(commands: &str) -> String {
    let mut words: Vec<&str> = commands.split_whitespace().collect();
    if words.starts_with(&["cargo", "run"]) {
        words.splice(..2, ["keepline"]);
        words.retain(|word| !matches!(*word, "--release" | "--"));
    }
    // What only asks about it, as `keepline serve --help`, ends by itself; so does what is more than one command.
    let alone = !commands.contains(['\n', '&', '|', ';']) && !words.contains(&"--help");
    let command: Vec<&str> = words.iter().copied().take_while(|word| !word.starts_with('-')).collect();
    let command = if command.len() == 1 { words } else { command }.join(" ");
    let stays = STAYS.into_iter().find(|(stays, _)| alone && command == *stays);
    stays.map(|(_, word)| format!(":{}", word.replace(' ', "_"))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page { path: "page.md".into(), text: text.into() }
    }

    #[test]
    fn a_page_is_a_case_with_its_commands_on_their_lines() {
        let text =
            "# A page\n\n```console\n$ keepline --version\nkeepline 1\n$ false\n? 1\n```\nand\n```sh\na=1\nb=2\n```\n";
        let script = Script::of(&page(text), |_| true);
        let wanted = "\n\n```console\n$ sh step 4.console\nkeepline 1\n$ sh step 6.console\n? 1\n```\n\n\n\
                      ```console\n$ sh step 11.sh\n```\n";
        assert_eq!(script.case, wanted);
        let steps: Vec<_> = script.steps.iter().map(|step| (&step.name[..], &step.commands[..])).collect();
        let wanted = [("4.console", "keepline --version"), ("6.console", "false"), ("11.sh", "a=1\nb=2")];
        assert_eq!(steps, wanted);
    }

    #[test]
    fn what_stays_is_left_running() {
        for (command, way) in [
            ("keepline serve", ":data_in"),
            ("keepline serve --config keepline.toml", ":data_in"),
            ("cargo run", ":data_in"),
            ("cargo run --release -- echo connect", ":_echo_"),
            ("keepline --version", ""),
            ("keepline serve --help", ""),
            ("keepline serve &", ""),
            ("cargo run -- chat --as alice", ""),
        ] {
            assert_eq!(way_of(command), way, "{command}");
        }
    }
}
