//! Page: the blocks of a document in Markdown, with the lines where they stand.

use crate::tidy::files;

/// A document of the project.
pub(super) struct Page {
    /// From the root of the project.
    pub(super) path: String,
    pub(super) text: String,
}

/// What stands between two fences.
pub(super) struct Block {
    /// The line of the opening fence, from 1.
    pub(super) line: usize,
    /// What the opening fence says of it: a language, and more behind a comma.
    pub(super) info: String,
    pub(super) lines: Vec<String>,
}

/// What a block is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Commands behind `$ `, with what they print.
    Console,
    /// A script to copy.
    Script,
    /// Code that the documentation tests run.
    Rust,
    /// No command: a file, or what is on a screen.
    Shown,
}

/// Every document of the project.
pub(super) fn pages() -> Vec<Page> {
    files(".md").into_iter().map(|file| Page { path: file.path, text: file.text }).collect()
}

/// One of them.
pub(super) fn page(path: &str) -> Page {
    let found = pages().into_iter().find(|page| page.path == path);
    found.unwrap_or_else(|| panic!("there is no {path}"))
}

impl Page {
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (number, line) in self.text.lines().enumerate() {
            let fence = line.strip_prefix("```");
            match (&mut open, fence) {
                (None, None) => {
                    let indented = line.trim_start().starts_with("```");
                    assert!(!indented, "{}:{}: a fence begins its line", self.path, number + 1);
                }
                (None, Some(info)) => open = Some(Block { line: number + 1, info: info.into(), lines: Vec::new() }),
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => block.lines.push(line.to_owned()),
            }
        }
        assert!(open.is_none(), "{}: a block without an end", self.path);
        blocks
    }

    /// What stands between backquotes, outside of the blocks.
    pub(super) fn code(&self) -> Vec<String> {
        let mut in_block = false;
        let prose = self.text.lines().filter(|line| {
            let is_fence = line.starts_with("```");
            in_block ^= is_fence;
            !in_block && !is_fence
        });
        let prose = prose.collect::<Vec<_>>().join(" ");
        let code = prose.split('`').skip(1).step_by(2);
        code.map(|code| code.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

impl Block {
    /// `None` for a language that is not known here.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self.info.split(',').next().unwrap_or_default() {
            "console" => Some(Kind::Console),
            "sh" => Some(Kind::Script),
            "" | "rust" => Some(Kind::Rust),
            "text" | "toml" | "json" | "nginx" => Some(Kind::Shown),
            _ => None,
        }
    }

    /// Whether it has commands for a shell.
    pub(super) fn commands(&self) -> bool {
        matches!(self.kind(), Some(Kind::Console | Kind::Script))
    }
}
