//! Entry: one thing that somebody did, and how it is written.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::Serialize;

use crate::clock::utc;

/// The longest object that is written, in characters: what is longer is cut.
const LONGEST: usize = 160;

/// One thing that was done, or tried.
#[derive(Clone, Copy, Debug)]
#[must_use = "note it"]
pub struct Entry<'a> {
    actor: Actor<'a>,
    action: Action,
    object: &'a str,
    address: Option<SocketAddr>,
    outcome: Outcome,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is nobody else")]
pub enum Actor<'a> {
    /// A user, as he has proved; or, of a refusal, as he has said.
    User(&'a str),
    /// Who has the admin listener's token, or reaches it where it asks for none.
    Admin,
    /// The server itself, told by whoever may signal its process.
    Server,
    /// Not known.
    Nobody,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it was done or not")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not, for this reason: a code of the API or of a close.
    Refused(&'static str),
}

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal;)+) => {
        /// What was done. The words stay the same over versions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Action { $($(#[doc = $doc])+ $variant,)+ }

        impl Action {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in the file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

actions! {
    /// A login over a long connection; the object is the device.
    Login = "login";
    /// A request whose token was refused; those that were not are not noted.
    Authenticate = "authenticate";
    /// A later login of a device has taken the place of its session, which is the object.
    Takeover = "takeover";
    /// An account was made: by name and password; by the first JWT of a user, where the object is `jwt`; or for a client
    /// of cim's, where it is the name there.
    AccountCreate = "account.create";
    /// A password was changed, which calls back every token.
    PasswordChange = "password.change";
    /// A token was made for a device, by password; the object is the device.
    TokenIssue = "token.issue";
    /// A token was called back.
    TokenRevoke = "token.revoke";
    /// All of a user's were.
    TokenRevokeAll = "token.revoke_all";
    /// A session was ended by somebody else than its line.
    Kick = "kick";
    /// An address, or a user from there, has failed too often.
    Ban = "ban";
    /// A group was made.
    GroupCreate = "group.create";
    /// A group was deleted.
    GroupDelete = "group.delete";
    /// A group has another title, or was opened or closed.
    GroupChange = "group.change";
    /// A member was added, or has another role.
    GroupRole = "group.role";
    /// A member was removed, or has gone.
    GroupRemove = "group.remove";
    /// A copy of the store was asked for.
    Backup = "backup";
    /// The server was told to let its lines go; by a signal, where it is the server itself that says so.
    Drain = "drain";
    /// The server began to serve; the object is its version.
    Start = "start";
    /// It ends, and all before this line is written.
    Stop = "stop";
    /// Something else at the admin listener; the object is the request.
    Admin = "admin";
    /// The settings, the keys of tokens or the certificate were read again; before the line of the settings one for each
    /// that is another, by its name.
    Reload = "reload";
    /// Other keys are in force: of JWTs, of the certificate, or of the admin listener.
    KeyRotate = "key.rotate";
    /// Lines are missing before this one: so many, as the object says.
    Lost = "lost";
}

impl<'a> Entry<'a> {
    /// Somebody did this. [`about`](Self::about) and [`from`](Self::from) say more.
    pub const fn new(actor: Actor<'a>, action: Action, outcome: Outcome) -> Self {
        Self { actor, action, object: "", address: None, outcome }
    }

    /// To whom or what.
    pub const fn about(self, object: &'a str) -> Self {
        Self { object, ..self }
    }

    /// From where.
    pub const fn from(self, address: Option<SocketAddr>) -> Self {
        Self { address, ..self }
    }

    pub(super) const fn is_refusal(&self) -> bool {
        matches!(self.outcome, Outcome::Refused(_))
    }

    /// The line, with its end: one object of JSON, of printable ASCII.
    pub(super) fn line(&self, at_ms: u64) -> String {
        let written = Written {
            at: utc(at_ms),
            actor: match self.actor {
                Actor::User(user) => cut(user),
                Actor::Admin => "@admin",
                Actor::Server => "@server",
                Actor::Nobody => "",
            },
            action: self.action.name(),
            object: cut(self.object),
            address: self.address,
            outcome: match self.outcome {
                Outcome::Done => "ok",
                Outcome::Refused(reason) => reason,
            },
        };
        // Strings and numbers are always JSON.
        let mut line = plain(&serde_json::to_string(&written).unwrap_or_default());
        line.push('\n');
        line
    }
}

/// In the order of the file.
#[derive(Serialize)]
struct Written<'a> {
    at: String,
    /// No user's name has an `@`.
    actor: &'a str,
    action: &'static str,
    object: &'a str,
    address: Option<SocketAddr>,
    outcome: &'static str,
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| &text[..end])
}

/// JSON with everything beyond printable ASCII spelled out, which stands in strings only: no line breaks another, moves
/// the cursor of who reads it, or turns the direction of what he reads.
fn plain(json: &str) -> String {
    let mut plain = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if matches!(c, ' '..='~') {
            plain.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string can't fail.
            let _ = write!(plain, "\\u{unit:04x}");
        }
    }
    plain
}
