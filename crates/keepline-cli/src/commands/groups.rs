//! `keepline groups`: groups, and who is in them.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use keepline_server::id::{GroupId, UserId};
use serde::Serialize;

use super::errand;
use crate::account::{Account, Who};
use crate::api::{Group, GroupChange, GroupEntry, Member, NewGroup, Role};
use crate::failure::Failure;
use crate::output::{Output, Row};

/// Flags of `keepline groups`.
#[derive(Debug, Args)]
pub(crate) struct GroupsArgs {
    /// What to do; default: list.
    #[command(subcommand)]
    deed: Option<Deed>,
    /// One object a line.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    who: Who,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// List the groups that you are in.
    List,
    /// Show a group's members.
    Show { group: GroupId },
    /// Make a group, which you own; its name is never given again.
    Create {
        group: GroupId,
        /// Its members beside you.
        users: Vec<UserId>,
        /// What people call it.
        #[arg(long, default_value = "", hide_default_value = true)]
        title: String,
    },
    /// Go into an open group.
    Join { group: GroupId },
    /// Let whoever knows a group's name go in by himself.
    Open { group: GroupId },
    /// Let nobody go in by himself any more; who is in stays.
    Close { group: GroupId },
    /// Add members.
    Add {
        group: GroupId,
        #[arg(required = true)]
        users: Vec<UserId>,
        /// What they may do.
        #[arg(long, value_enum, default_value = "member")]
        role: Role,
    },
    /// Remove members; each may remove himself.
    Remove {
        group: GroupId,
        #[arg(required = true)]
        users: Vec<UserId>,
    },
    /// Give a member another role.
    Role {
        group: GroupId,
        user: UserId,
        #[arg(value_enum)]
        role: Role,
    },
    /// Delete a group that you own.
    Delete { group: GroupId },
}

/// A group that was changed.
#[derive(Serialize)]
struct Changed<'a> {
    group: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    done: &'static str,
}

/// Does it.
pub(crate) fn run(args: GroupsArgs) -> ExitCode {
    errand::run(act(args))
}

async fn act(args: GroupsArgs) -> Result<(), Failure> {
    let Account { api, user: me, .. } = Account::open(&args.who).await?;
    let output = Output::new(args.json);
    match args.deed.unwrap_or(Deed::List) {
        Deed::List => output.list(&api.groups().await?)?,
        Deed::Show { group } => show(output, &api.group(group.as_str()).await?)?,
        Deed::Create { group, users, title } => {
            let members = users.iter().map(ToString::to_string).collect();
            show(output, &api.create_group(&NewGroup { group: group.to_string(), title, members }).await?)?;
        }
        Deed::Join { group } => {
            api.put_member(group.as_str(), &me, Role::Member).await?;
            changed(output, &group, None, None, "joined")?;
        }
        Deed::Open { group } => {
            api.change_group(group.as_str(), &opened(true)).await?;
            changed(output, &group, None, None, "opened")?;
        }
        Deed::Close { group } => {
            api.change_group(group.as_str(), &opened(false)).await?;
            changed(output, &group, None, None, "closed")?;
        }
        Deed::Add { group, users, role } => {
            for user in &users {
                api.put_member(group.as_str(), user.as_str(), role).await?;
                changed(output, &group, Some(user), Some(role), "added")?;
            }
        }
        Deed::Role { group, user, role } => {
            api.put_member(group.as_str(), user.as_str(), role).await?;
            changed(output, &group, Some(&user), Some(role), "made")?;
        }
        Deed::Remove { group, users } => {
            for user in &users {
                api.remove_member(group.as_str(), user.as_str()).await?;
                changed(output, &group, Some(user), None, "removed")?;
            }
        }
        Deed::Delete { group } => {
            api.delete_group(group.as_str()).await?;
            changed(output, &group, None, None, "deleted")?;
        }
    }
    Ok(())
}

fn opened(open: bool) -> GroupChange {
    GroupChange { open: Some(open), ..GroupChange::default() }
}

/// A group is an object for a program, and a list of members for a person.
fn show(output: Output, group: &Group) -> std::io::Result<()> {
    if output == Output::Json { output.done("", group) } else { output.list(&group.members) }
}

fn changed(
    output: Output,
    group: &GroupId,
    user: Option<&UserId>,
    role: Option<Role>,
    done: &'static str,
) -> std::io::Result<()> {
    let sentence = match (user, role) {
        (Some(user), Some(role)) => format!("{group}: {user} {done} {}", role.name()),
        (Some(user), None) => format!("{group}: {user} {done}"),
        (None, _) => format!("{group}: {done}"),
    };
    output.done(&sentence, &Changed { group: group.as_str(), user: user.map(UserId::as_str), role, done })
}

impl Row for GroupEntry {
    const HEADS: &'static [&'static str] = &["GROUP", "TITLE", "MEMBERS"];

    fn cells(&self) -> Vec<String> {
        vec![self.group.clone(), self.title.clone(), self.members.to_string()]
    }
}

impl Row for Member {
    const HEADS: &'static [&'static str] = &["USER", "ROLE"];

    fn cells(&self) -> Vec<String> {
        vec![self.user.clone(), self.role.name().to_owned()]
    }
}
