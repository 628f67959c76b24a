//! Questions: what the chat asks the server by HTTP, and how the answers are shown.

use std::collections::HashSet;
use std::time::Duration;

use keepline_server::conversation::Conversation;
use keepline_server::id::{GroupId, UserId};

use super::clock;
use super::fold;
use super::place;
use super::style::Line;
use crate::api::{Api, ApiError, Content, NewGroup, OwnSession, Role, Schedule, Seq, Start, User, UserQuery};
use crate::output::{now_ms, span};

/// Users that a list shows at most, and of a page.
const MOST: usize = 2000;
const PAGE: usize = 200;

/// Messages for later of a page: all that a server lists at once.
const SCHEDULES: usize = 100;

/// The first characters of a schedule's name, by which it is known here.
const SHORT: usize = 8;

/// What a question gave.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) lines: Vec<Line>,
    pub(super) then: Then,
}

/// What is to be done about it.
#[derive(Debug, Default)]
pub(super) enum Then {
    #[default]
    Nothing,
    /// Talk there from now on.
    GoTo(Conversation),
    /// That group is no place for us any more.
    Left(GroupId),
}

type Asked = Result<Answer, ApiError>;

impl<T: Into<Line>> From<T> for Answer {
    fn from(line: T) -> Self {
        Self { lines: vec![line.into()], then: Then::Nothing }
    }
}

impl FromIterator<Line> for Answer {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        Self { lines: lines.into_iter().collect(), then: Then::Nothing }
    }
}

/// Who is online and begins so, whatever the case; the begin is marked.
pub(super) async fn online(api: &Api, begin: &str) -> Asked {
    let (users, whole) = users(api).await?;
    let mut lines: Vec<Line> = users.iter().filter_map(|user| shown(user, begin)).collect();
    if lines.is_empty() {
        lines.push("nobody".into());
    }
    if !whole {
        lines.push(format!("of the first {MOST} users only").into());
    }
    Ok(lines.into_iter().collect())
}

/// A user, with the begin marked; `None` if he begins otherwise.
fn shown(user: &User, begin: &str) -> Option<Line> {
    let cim = user.cim_name.as_deref();
    let text = cim.map_or_else(|| user.user.clone(), |name| format!("{} ({name} at cim)", user.user));
    if begin.is_empty() {
        return Some(text.into());
    }
    let at = |name: &str, from: usize| fold::prefix(name, begin).map(|length| from..from + length);
    let mark = at(&user.user, 0).or_else(|| at(cim?, user.user.len() + " (".len()))?;
    Some(Line { text, marks: vec![mark] })
}

/// Those who are online, and whether these are all.
pub(super) async fn users(api: &Api) -> Result<(Vec<User>, bool), ApiError> {
    let wanted = UserQuery { prefix: String::new(), online: true };
    let (mut users, mut cursor) = (Vec::new(), None);
    while users.len() < MOST {
        let page = api.users(&wanted, cursor.as_deref(), PAGE).await?;
        users.extend(page.users);
        cursor = page.next;
        if cursor.is_none() {
            return Ok((users, true));
        }
    }
    Ok((users, false))
}

/// Who is in a place, and whether he is online.
pub(super) async fn who(api: &Api, place: &Conversation) -> Asked {
    let (members, group) = match place {
        Conversation::Everyone => return online(api, "").await,
        Conversation::Private(pair) => (pair.users().map(|user| (user.to_string(), None)).to_vec(), None),
        Conversation::Group(group) => {
            let group = api.group(group.as_str()).await?;
            (group.members.into_iter().map(|member| (member.user, Some(member.role))).collect(), Some(group.title))
        }
    };
    let online: HashSet<String> = users(api).await?.0.into_iter().map(|user| user.user).collect();
    let title = group.filter(|title| !title.is_empty()).map(Line::from);
    let member = |(user, role): &(String, Option<Role>)| {
        let role = role.map_or("", |role| role.name());
        let there = if online.contains(user) { "online" } else { "away" };
        Line::from(format!("{user}  {there}  {role}").trim_end())
    };
    Ok(title.into_iter().chain(members.iter().map(member)).collect())
}

/// Goes into a group that is ours or open, or is made if there is none, and takes users in.
pub(super) async fn join(api: &Api, me: &UserId, group: GroupId, users: Vec<UserId>) -> Asked {
    let mut lines: Vec<Line> = Vec::new();
    let is_in = match api.group(group.as_str()).await {
        Err(error) if error.code() == Some("not_found") => {
            let entered = api.put_member(group.as_str(), me.as_str(), Role::Member).await;
            if entered.is_ok() {
                lines.push(format!("you are in #{group} now").into());
            }
            entered
        }
        known => known.map(drop),
    };
    match is_in {
        Ok(()) => {
            for user in &users {
                api.put_member(group.as_str(), user.as_str(), Role::Member).await?;
                lines.push(format!("{user} is in #{group}").into());
            }
        }
        Err(error) if error.code() == Some("not_found") => {
            let members = users.iter().map(ToString::to_string).collect();
            let new = NewGroup { group: group.to_string(), title: String::new(), members };
            match api.create_group(&new).await {
                Ok(made) => lines.push(format!("made #{group}, with {} in it", names(&made.members)).into()),
                Err(error) if error.code() == Some("taken") => {
                    let whom = format!("#{group} is a group that is not open to you, or was one: ");
                    return Ok(format!("{whom}who manages it can take you in, with :join {group} and your name").into());
                }
                Err(error) => return Err(error),
            }
        }
        Err(error) => return Err(error),
    }
    Ok(Answer { lines, then: Then::GoTo(Conversation::Group(group)) })
}

fn names(members: &[crate::api::Member]) -> String {
    members.iter().map(|member| member.user.as_str()).collect::<Vec<_>>().join(", ")
}

/// Leaves a group.
pub(super) async fn leave(api: &Api, me: &UserId, group: GroupId) -> Asked {
    api.remove_member(group.as_str(), me.as_str()).await?;
    Ok(Answer { lines: vec![format!("left #{group}").into()], then: Then::Left(group) })
}

/// My groups.
pub(super) async fn groups(api: &Api) -> Asked {
    let groups = api.groups().await?;
    if groups.is_empty() {
        return Ok("you are in no group; :join NAME makes one".into());
    }
    let line = |group: &crate::api::GroupEntry| {
        Line::from(format!("#{}  {} members  {}", group.group, group.members, group.title).trim_end())
    };
    Ok(groups.iter().map(line).collect())
}

/// The last messages of a place, the oldest first.
pub(super) async fn history(api: &Api, me: &UserId, place: &Conversation, count: usize) -> Asked {
    let page = api.messages(&place.to_string(), &Start::End, count).await?;
    if page.messages.is_empty() {
        return Ok("nothing was said here yet".into());
    }
    let (label, now) = (place::label(place, me), clock::now());
    let line = |message: &crate::api::Message| {
        let (at, text) = (clock::short(clock::of_ms(message.at_ms), now), message.content.shown());
        Line::from(format!("{at} [{label}] {}: {}", message.sender, super::emoji::shown(&text)))
    };
    Ok(page.messages.iter().rev().map(line).collect())
}

/// Has a text sent later.
pub(super) async fn schedule(api: &Api, me: &UserId, place: &Conversation, text: &str, after: Duration) -> Asked {
    let due_ms = now_ms().saturating_add(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    let name = api.schedule(&place.to_string(), due_ms, &Content::text(text)).await?;
    let (label, at) = (place::label(place, me), clock::short(clock::of_ms(due_ms), clock::now()));
    Ok(format!("{} is sent to {label} at {at}, whether this chat runs or not", short(&name)).into())
}

/// What is to be sent later.
pub(super) async fn schedules(api: &Api, me: &UserId) -> Asked {
    let page = api.schedules(None, SCHEDULES).await?;
    if page.schedules.is_empty() {
        return Ok("nothing is to be sent later".into());
    }
    let now = clock::now();
    let line = |one: &Schedule| {
        let (at, label) = (clock::short(clock::of_ms(one.due_ms), now), place::label_of(&one.conversation, me));
        let state = one.failure.as_ref().map_or_else(|| one.state.clone(), |why| format!("{}: {why}", one.state));
        Line::from(format!("{}  {at} [{label}] {}  ({state})", short(&one.schedule), one.content.shown()))
    };
    let more = page.next.is_some().then(|| Line::from("and more"));
    Ok(page.schedules.iter().map(line).chain(more).collect())
}

/// Sees to it that a message for later is not sent. It is known by the begin of its name.
pub(super) async fn cancel(api: &Api, begin: &str) -> Asked {
    let page = api.schedules(None, SCHEDULES).await?;
    let mut meant = page.schedules.iter().filter(|one| one.schedule.starts_with(begin));
    match (meant.next(), meant.next()) {
        (Some(one), None) => {
            api.cancel_schedule(&one.schedule).await?;
            Ok(format!("{} is not sent", short(&one.schedule)).into())
        }
        (Some(_), Some(_)) => Ok(format!("{begin} begins more than one: say more of it").into()),
        (None, _) => Ok(format!("there is no {begin} to be sent; :later lists what is").into()),
    }
}

fn short(name: &str) -> &str {
    name.get(..SHORT).unwrap_or(name)
}

/// My sessions, `current` being this one.
pub(super) async fn sessions(api: &Api, current: Option<u64>) -> Asked {
    let sessions = api.sessions().await?;
    if sessions.is_empty() {
        return Ok("no session of yours is live".into());
    }
    let line = |one: &OwnSession| {
        let at = clock::short(clock::of_ms(one.since_ms), clock::now());
        let this = if Some(one.session.0) == current { "  this one" } else { "" };
        Line::from(format!("{}  {}  since {at}, quiet for {}{this}", one.session, one.device, span(one.silent_ms)))
    };
    Ok(sessions.iter().map(line).collect())
}

/// Ends a session of mine by its number, all of a device, or all but the current one for `me` or my name.
pub(super) async fn kick(api: &Api, me: &UserId, current: Option<u64>, whom: &str) -> Asked {
    let sessions = api.sessions().await?;
    let all = whom == "me" || whom == me.as_str();
    let meant = |one: &&OwnSession| {
        let number = whom.parse() == Ok(one.session) || one.device == whom;
        number || all && Some(one.session.0) != current
    };
    let meant: Vec<Seq> = sessions.iter().filter(meant).map(|one| one.session).collect();
    if meant.is_empty() {
        let what = format!("no other session of yours is {whom}; :kick lists them, and those of others are not yours");
        return Ok(what.into());
    }
    let mut lines = Vec::new();
    for session in meant {
        api.kick(session).await?;
        lines.push(Line::from(format!("session {session} has ended")));
    }
    Ok(lines.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_both_names_in_any_script() {
        let user = |user: &str, cim: Option<&str>| User {
            user: user.to_owned(),
            cim_name: cim.map(str::to_owned),
            online: true,
        };
        let (bob, zhang) = (user("Bob", None), user("cim-7", Some("张三")));
        for (one, begin, line) in [
            (&bob, "", Some(("Bob", None))),
            (&bob, "bO", Some(("Bob", Some(0..2)))),
            (&bob, "x", None),
            (&zhang, "张", Some(("cim-7 (张三 at cim)", Some(7..10)))),
            (&zhang, "CIM", Some(("cim-7 (张三 at cim)", Some(0..3)))),
            (&zhang, "三", None),
        ] {
            let line = line.map(|(text, mark)| Line { text: text.to_owned(), marks: mark.into_iter().collect() });
            assert_eq!(shown(one, begin), line, "{begin}");
        }
        assert_eq!((short("0123456789"), short("0123")), ("01234567", "0123"));
    }
}
