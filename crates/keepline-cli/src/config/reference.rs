//! Reference: all settings and all commands as Markdown, for `docs/reference.md`.

use std::fmt::Write as _;

use clap::{Arg, Command};

use super::environment::variable;
use super::keys::{KEYS, Key, Reload};

/// The whole page. `docs/reference.md` is this, which a test holds.
pub(crate) fn reference(mut command: Command) -> String {
    command.build();
    let mut page = "# Reference\n\n\
        Printed by `keepline config reference`: change the code, not this page.\n\n\
        ## Settings of the server\n\n\
        A flag comes before the environment, that before the file (`--config FILE`, `KEEPLINE_CONFIG`), that before \
        the default. `keepline config show` tells what is in force, and which of them said so. \
        \"Reload\" is what `SIGHUP` puts in force, without dropping anybody; what it can't is named in the log and \
        waits for a restart.\n\n\
        | key | flag | variable | default | reload | |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for key in KEYS {
        setting(&mut page, key);
    }
    page.push_str("\n## Commands\n");
    for command in command.get_subcommands() {
        commands(&mut page, "keepline", command);
    }
    let _ = write!(page, "\n## Exit codes\n\n```text\n{}\n```\n", crate::exit::HELP);
    page
}

fn setting(page: &mut String, key: &Key) {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let flag = key.flag.map(|flag| format!("--{flag}")).unwrap_or_default();
    let _ = writeln!(
        page,
        "| {} | {} | {} | {} | {} | {} |",
        code(key.name),
        code(&flag),
        code(&variable(key)),
        code(key.default),
        match key.reload {
            Reload::AtStart => "",
            Reload::AtHangup => "yes",
            Reload::UnlessToggled => "from one to another",
        },
        key.about.replace('|', "\\|")
    );
}

fn commands(page: &mut String, parent: &str, command: &Command) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, "\n### `{name}`\n\n{about}.\n");
    let mut rows = String::new();
    let is_setting = |id: &str| name == "keepline serve" && KEYS.iter().any(|key| key.flag == Some(id));
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        if argument.is_hide_set() || ["help", "version"].contains(&id) || is_setting(id) {
            continue;
        }
        let value = argument.get_value_names().map(|names| names.join(" ")).unwrap_or_default();
        let takes = argument.get_action().takes_values();
        let written = match argument.get_long() {
            Some(long) if takes => format!("--{long} {value}"),
            Some(long) => format!("--{long}"),
            None => value,
        };
        let _ = writeln!(rows, "| `{written}` | {} |", about_argument(argument).replace('|', "\\|").replace('\n', " "));
    }
    if !rows.is_empty() {
        let _ = write!(page, "\n| | |\n|---|---|\n{rows}");
    }
    if name == "keepline serve" {
        page.push_str("\nAnd the flags of the settings above.\n");
    }
    for command in command.get_subcommands() {
        commands(page, &name, command);
    }
}

/// Its help, with the values that it may have and the variable that stands for it.
fn about_argument(argument: &Arg) -> String {
    let mut about = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values = argument.get_possible_values();
    let values: Vec<_> = values.iter().filter(|value| !value.is_hide_set()).map(|value| value.get_name()).collect();
    if argument.get_action().takes_values() && !values.is_empty() {
        let before = if about.is_empty() { "" } else { ": " };
        let _ = write!(about, "{before}`{}`", values.join("`, `"));
    }
    if let Some(variable) = argument.get_env() {
        let _ = write!(about, " (`{}`)", variable.display());
    }
    about
}
