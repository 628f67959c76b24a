//! Catalogue: the commands of the chat, with what the help says of each.

/// One command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// With its colon.
    pub(super) name: &'static str,
    /// What may follow it.
    pub(super) takes: &'static str,
    /// What it does.
    pub(super) does: &'static str,
}

/// The commands, cim's first.
pub(super) const COMMANDS: &[Entry] = &[
    entry(":all", "", "list the commands"),
    entry(":olu", "", "list who is online"),
    entry(":pu", "PREFIX", "list who is online and begins so; :qu is the same"),
    entry(":qu", "PREFIX", "the same as :pu"),
    entry(":q", "WORDS", "search what was said here, in the history kept on this machine"),
    entry(":info", "", "show who and where I am, and the line"),
    entry(":ai", "", "talk with cim's joke of an AI: nothing is sent any more"),
    entry(":qai", "", "stop that"),
    entry(":emoji", "PAGE", "list five emojis and their names, from page 0"),
    entry(":delay", "TEXT TIME", "have a text sent later, as :delay see you 10 (seconds) or 2m; the server keeps it"),
    entry(":q!", "", "leave, once what was typed is sent"),
    entry(":help", "[COMMAND]", "show what one command does, or all"),
    entry(":to", "PLACE", "talk there from now on: a NAME, #GROUP or all"),
    entry(":who", "[#GROUP]", "list who is in a group, or in the place where I talk"),
    entry(
        ":join",
        "GROUP [NAME...]",
        "go into a group that is yours or open, or is made if there is none, and take these users in",
    ),
    entry(":leave", "[GROUP]", "leave a group"),
    entry(":groups", "", "list my groups"),
    entry(":history", "[N]", "show the last messages of the place where I talk, from the server; 20 if not said"),
    entry(":later", "[TEXT TIME]", "the same as :delay; alone, or as :later list, show what is to be sent"),
    entry(":cancel", "ID", "see to it that a message for later is not sent"),
    entry(":why", "", "tell the last 20 things that happened to the connection"),
    entry(":trace", "[ID]", "tell what became of a message of mine; default: the last one"),
    entry(":kick", "[SESSION|DEVICE|me]", "end a session of mine, all of a device, or all but this; alone: list them"),
];

const fn entry(name: &'static str, takes: &'static str, does: &'static str) -> Entry {
    Entry { name, takes, does }
}

/// What stands below the commands in the help.
const BELOW: &str = "NAME;;TEXT sends a private message; a number for NAME is a user of cim. \
                     ::TEXT sends a text that begins with a colon. :smile: in a text is shown as an emoji.";

/// The command of this name.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.name == name)
}

/// The command that was most likely meant, if one is near: what is typed begins it, or has no more than two letters
/// wrong, and more that are right.
pub(super) fn nearest(name: &str) -> Option<&'static Entry> {
    let letters = name.chars().skip(1).count();
    let longer = COMMANDS.iter().find(|entry| letters > 0 && entry.name.starts_with(name));
    longer.or_else(|| {
        let near = COMMANDS.iter().map(|entry| (strsim::damerau_levenshtein(entry.name, name), entry));
        let near = near.filter(|(wrong, _)| *wrong <= 2 && *wrong < letters);
        near.min_by_key(|(wrong, _)| *wrong).map(|(_, entry)| entry)
    })
}

/// The help: of one command, or of all.
pub(super) fn help(entry: Option<&Entry>) -> Vec<String> {
    if let Some(entry) = entry {
        return vec![format!("{}: {}", entry.usage(), entry.does)];
    }
    let widest = COMMANDS.iter().map(|entry| entry.usage().len()).max().unwrap_or_default();
    let line = |entry: &Entry| format!("{:widest$}  {}", entry.usage(), entry.does);
    COMMANDS.iter().map(line).chain([BELOW.to_owned()]).collect()
}

impl Entry {
    /// How it is written.
    pub(super) fn usage(&self) -> String {
        if self.takes.is_empty() { self.name.to_owned() } else { format!("{} {}", self.name, self.takes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found() {
        for (typed, meant) in [
            (":oul", Some(":olu")),
            (":hist", Some(":history")),
            (":histroy", Some(":history")),
            (":wyh", Some(":why")),
            (":Q!", Some(":q!")),
            (":xyzzyx", None),
            (":", None),
            (":)", None),
            (":xy", None),
            (":张", None),
        ] {
            assert_eq!(nearest(typed).map(|entry| entry.name), meant, "{typed}");
        }
    }

    #[test]
    fn each_name_is_there_once() {
        let mut names: Vec<_> = COMMANDS.iter().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COMMANDS.len());
        assert_eq!(help(None).len(), COMMANDS.len() + 1);
        assert_eq!(help(find(":pu")), [":pu PREFIX: list who is online and begins so; :qu is the same"]);
    }
}
