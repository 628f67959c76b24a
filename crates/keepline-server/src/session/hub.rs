//! Hub: every live session, by user and device. It fences: of two logins of one device, the later one lives.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use keepline::{Connection, Queued, Reason};
use keepline_proto::wire::im::v1::{self, frame::Body};
use keepline_proto::wire::im::{Im, framed};
use scc::HashMap;

use super::expiry::Expiry;
use super::few::Few;
use super::{Environment, Session, Speaks, State};
use crate::accounts::Proof;
use crate::audit::{self, Action, Actor, Entry};
use crate::id::{DeviceId, MessageId, SessionId, UserId};
use crate::store::{Append, Expected, LogName, Outcome, StoreError};

/// The log that counts the starts of servers.
const STARTS: &str = "x.session";
/// Logins of one start: the lower part of a session's number.
const LOGINS: u32 = 40;
/// Tries to count a start before the store's answer stands.
const TRIES: usize = 20;

/// Every live session.
pub struct Hub {
    environment: Arc<Environment>,
    users: HashMap<UserId, Few<Arc<Session>>>,
    expiry: Expiry<Arc<Session>>,
    next: AtomicU64,
    fence: Fence,
}

/// Whether a later login of a device ends the earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fence {
    On,
    /// Only for tests of the tests.
    Off,
}

/// A device that has shown who it is.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a login has these parts")]
pub struct Login {
    /// Who.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// What is spoken on the line.
    pub speaks: Speaks,
    /// The line.
    pub connection: Connection,
    /// From where.
    pub peer: Option<SocketAddr>,
    /// The token that he has shown; none in cim's dialects.
    pub token: Option<Token>,
}

/// The token of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a proof and a time")]
pub struct Token {
    /// What was shown.
    pub proof: Proof,
    /// When it is over, and the session with it: milliseconds since 1970.
    pub expires_ms: u64,
}

/// A live session, as it is listed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// The number of the login.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// What is spoken on the line.
    pub speaks: Speaks,
    /// From where.
    pub peer: Option<SocketAddr>,
    /// Since when: milliseconds since 1970.
    pub since_ms: u64,
    /// How long ago the last byte was read.
    pub silent_for: keepline::Duration,
    /// What waits for it.
    pub queued: Queued,
    /// Whether it has everything, and has acknowledged it.
    pub caught_up: bool,
}

impl Hub {
    /// A hub without sessions. It counts its start in the store, so that its sessions have higher numbers than those
    /// of every earlier start.
    ///
    /// # Errors
    /// The store's.
    pub async fn start(environment: Arc<Environment>) -> Result<Arc<Self>, StoreError> {
        Self::with(environment, Fence::On).await
    }

    /// A hub that lets two logins of one device live side by side. Only to see that the tests notice.
    ///
    /// # Errors
    /// The store's.
    #[doc(hidden)]
    pub async fn start_unfenced(environment: Arc<Environment>) -> Result<Arc<Self>, StoreError> {
        Self::with(environment, Fence::Off).await
    }

    async fn with(environment: Arc<Environment>, fence: Fence) -> Result<Arc<Self>, StoreError> {
        let next = AtomicU64::new(count_start(&environment).await? << LOGINS | 1);
        Ok(Arc::new(Self { environment, users: HashMap::new(), expiry: Expiry::new(), next, fence }))
    }

    /// What the sessions reach.
    #[must_use]
    pub const fn environment(&self) -> &Arc<Environment> {
        &self.environment
    }

    /// A device has logged in. Its earlier session is fenced, and its line closed as [`Reason::Replaced`].
    ///
    /// `None` if the user has so many sessions on other devices already: then nothing has changed.
    ///
    /// `welcome` makes the answer with the session's number; it is queued before anything else can be. The session
    /// pushes nothing until it is [synced](Session::sync).
    pub(crate) fn login(
        &self,
        login: Login,
        devices: usize,
        welcome: impl FnOnce(SessionId) -> Option<Bytes>,
    ) -> Option<Arc<Session>> {
        let mut sessions = self.users.entry_sync(login.user.clone()).or_default();
        let others = sessions.iter().filter(|session| session.device != login.device).count();
        if others >= devices.max(1) {
            return None;
        }
        // Numbered under the lock: the later of two logins has the higher number.
        let id = SessionId(self.next.fetch_add(1, Ordering::Relaxed));
        if self.fence == Fence::On
            && let Some(earlier) = sessions.take(|session| session.device == login.device)
        {
            earlier.end();
            self.forget_end(&earlier);
            earlier.connection.close(Reason::Replaced);
            let taken = Entry::new(Actor::User(login.user.as_str()), Action::Takeover, audit::Outcome::Done);
            let of = format!("session {} of {}, {}", earlier.id, login.user, login.device);
            self.environment.audit.note(&taken.about(&of).from(login.peer));
        }
        let session = Arc::new(Session {
            id,
            user: login.user,
            device: login.device,
            speaks: login.speaks,
            connection: login.connection,
            peer: login.peer,
            token: login.token,
            since_ms: now_ms(),
            environment: Arc::clone(&self.environment),
            state: Mutex::new(State::Syncing),
        });
        if let Some(welcome) = welcome(id) {
            // A line that has ended meanwhile says so to its handler, which logs out.
            let _ = session.connection.push(welcome);
        }
        sessions.push(Arc::clone(&session));
        self.note_end(&session);
        Some(session)
    }

    /// A session's line has ended. A later session of the same device stays.
    pub fn logout(&self, session: &Arc<Session>) {
        session.end();
        self.forget_end(session);
        if let Some(mut sessions) = self.users.get_sync(&session.user) {
            drop(sessions.take(|other| Arc::ptr_eq(other, session)));
            if sessions.is_empty() {
                let _ = sessions.remove_entry();
            }
        }
    }

    /// Whether a user has a live session.
    #[must_use]
    pub fn online(&self, user: &UserId) -> bool {
        self.users.contains_sync(user)
    }

    /// The users with a live session, in no order.
    #[must_use]
    pub fn online_users(&self) -> Vec<UserId> {
        let mut users = Vec::new();
        self.users.iter_sync(|user, _| {
            users.push(user.clone());
            true
        });
        users
    }

    /// Every live session, in no order.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionInfo> {
        let mut all = Vec::new();
        self.each(|session| all.push(session.info()));
        all
    }

    /// A user's live sessions.
    #[must_use]
    pub fn sessions_of(&self, user: &UserId) -> Vec<Arc<Session>> {
        self.users.read_sync(user, |_, sessions| sessions.to_vec()).unwrap_or_default()
    }

    /// The live session with this number. It looks at all of them: for an operator's hand.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<Arc<Session>> {
        let mut found = None;
        self.users.iter_sync(|_, sessions| {
            found = sessions.iter().find(|session| session.id == id).cloned();
            found.is_none()
        });
        found
    }

    /// The sessions whose token is over at this time, in milliseconds since 1970; the same again until they have ended.
    pub(crate) fn over(&self, now_ms: u64) -> Vec<Arc<Session>> {
        if self.expiry.move_on(now_ms) {
            self.each(|session| self.note_end(session));
        }
        self.expiry.over(now_ms)
    }

    /// Ends the session with this number for this reason; whether there is one. As slow as [`session`](Self::session).
    pub fn kick(&self, id: SessionId, reason: Reason) -> bool {
        let Some(session) = self.session(id) else { return false };
        self.end(&session, reason);
        true
    }

    fn note_end(&self, session: &Arc<Session>) {
        let Some(token) = session.token else { return };
        self.expiry.enter(token.expires_ms, session.id, session);
        // Who ends it meanwhile may have looked for it before it was there.
        if session.is_ended() {
            self.forget_end(session);
        }
    }

    fn forget_end(&self, session: &Session) {
        if let Some(token) = session.token {
            self.expiry.leave(token.expires_ms, session.id);
        }
    }

    /// Ends a session for this reason.
    pub(crate) fn end(&self, session: &Arc<Session>, reason: Reason) {
        self.logout(session);
        session.connection.close(reason);
    }

    /// Tells every client of our protocol that the server is about to stop, and when to come back to the same address.
    /// cim's clients have no such frame: they come back as they please.
    pub fn go_away(&self, retry_after: Duration) {
        let retry_after_ms = u32::try_from(retry_after.as_millis()).unwrap_or(u32::MAX);
        let body = Body::GoAway(v1::GoAway { retry_after_ms, nodes: Vec::new() });
        let Ok(frame) = framed(&v1::Frame { magic: 0, body: Some(body) }, Im::AFTER_LOGIN) else { return };
        self.each(|session| {
            if matches!(session.speaks, Speaks::V1) {
                // Who takes no message any more hears it from the end of his line.
                let _ = session.connection.send(frame.clone());
            }
        });
    }

    /// Calls `each` with every live session, some perhaps twice. It must not log in or out.
    pub(crate) fn each(&self, mut each: impl FnMut(&Arc<Session>)) {
        self.users.iter_sync(|_, sessions| {
            sessions.iter().for_each(&mut each);
            true
        });
    }

    /// As [`each`](Self::each), of one user.
    pub(crate) fn each_of(&self, user: &UserId, each: impl FnMut(&Arc<Session>)) {
        self.users.read_sync(user, |_, sessions| sessions.iter().for_each(each));
    }
}

impl Session {
    /// The session as it is listed.
    #[must_use]
    pub fn info(&self) -> SessionInfo {
        SessionInfo {
            id: self.id,
            user: self.user.clone(),
            device: self.device.clone(),
            speaks: self.speaks,
            peer: self.peer,
            since_ms: self.since_ms,
            silent_for: self.connection.silent_for(),
            queued: self.connection.queued(),
            caught_up: self.is_caught_up(),
        }
    }
}

/// The number of this start: one more than of any before.
async fn count_start(environment: &Environment) -> Result<u64, StoreError> {
    let store = &environment.store;
    let log = LogName::new(STARTS);
    for _ in 0..TRIES {
        let mut id = [0; 16];
        getrandom::fill(&mut id)
            .map_err(|error| StoreError::Unavailable(format!("the kernel gives no randomness: {error}").into()))?;
        let append = Append { log: log.clone(), expected: Expected::Any, id: MessageId::new(id), body: Bytes::new() };
        for _ in 0..TRIES {
            match store.append(append.clone()).await? {
                Outcome::Appended(start) | Outcome::Duplicate(start) => {
                    // What was counted before is not looked at again.
                    drop(store.trim(&log, start.saturating_sub(1)));
                    return Ok(start);
                }
                Outcome::Conflict { .. } => break,
                Outcome::Unknown => {}
            }
        }
    }
    Err(StoreError::Unavailable("the start of the server can't be counted".into()))
}

pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("users", &self.users.len()).finish_non_exhaustive()
    }
}
