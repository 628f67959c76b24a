//! Line: what a connection of the IM port is for, from its first frame to its end.
//!
//! ```text
//!          hello            token good
//! Fresh ─────────▶ Checking ──────────▶ Session(V1)
//!   │ login of cim                          
//!   ├─────────────────────────────────▶ Session(Cim)
//!   │ hello of a probe
//!   └─────────────────────────────────▶ Probe
//! ```
//! Reading rests while a token is looked up, and until the session has read its marks: so what a client sends behind
//! its hello finds the session ready. Whatever is not logged in by the deadline is closed, a probe too.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use keepline::liveness::{Heartbeat, HeartbeatError};
use keepline::serve::Service;
use keepline::{Beat, Connection, Flow, Handler, Reason, Report, Settings, Turn};
use keepline_proto::wire::dialect::Dialect;
use keepline_proto::wire::im::{Accepts, Frame, Im};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use crate::accounts::{self, Accounts, AuthError, Identity};
use crate::audit::{self, Action, Actor, Entry};
use crate::delivery::Delivery;
use crate::guard::{Guard, GuardLimits, Network, may_speak_cim};
use crate::id::SessionId;
use crate::live::Live;
use crate::session::{Environment, Hub, Login, Session, Speaks, WINDOW_BYTES, WINDOW_MESSAGES, cim};

mod bytes_in;
mod farewell;
mod pace;
mod revoked;
mod terms;
mod v1;

pub use farewell::farewell;
pub use pace::PaceLimit;
pub(crate) use terms::cim_terms;
pub use terms::{Terms, TermsLimits};

use bytes_in::BytesIn;
use farewell::turn_away;
use pace::Pace;
use revoked::Verdict;

/// The device of every cim client.
const CIM_DEVICE: &str = "cim";
/// Answers owed to one client before its line stops reading.
const ANSWERS: u8 = 64;
/// What may wait for one client, with everything: messages and bytes.
const QUEUE: (usize, usize) = (256, 1 << 20);
/// No answer is longer: a refusal with its words.
const ANSWER: usize = 512;
// A full window fits beside all answers, so that only a peer that does not read is slow, and not one that was sent much
// at once. The last message of a window may go over it.
const _: () = assert!(WINDOW_MESSAGES + ANSWERS as usize <= QUEUE.0);
const _: () = assert!(WINDOW_BYTES + Im::AFTER_LOGIN as usize + ANSWERS as usize * ANSWER <= QUEUE.1);
/// So many messages waiting, and nothing is read for a while from a client that asks for more, of what is answered at
/// once: only sends have their room.
const WORDS: usize = 16;
/// How long.
const WORDS_REST: Duration = Duration::from_millis(50);

/// How lines are served.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "changed field by field from the default")]
pub struct LineSettings {
    /// The server's name, as clients hear it.
    pub node: String,
    /// Whether clients of cim are served: those on this machine, and those of [`cim_from`](Self::cim_from).
    pub cim: bool,
    /// Where clients of cim may come from besides.
    pub cim_from: Vec<Network>,
    /// How often each side must be heard of, unless the client wishes otherwise.
    pub terms: Terms,
    /// What it may wish.
    pub limits: TermsLimits,
    /// How fast it may send; `None` for as fast as it can.
    pub pace: Option<PaceLimit>,
    /// From the connection's opening to the login, absolute.
    pub login_within: Duration,
}

impl Default for LineSettings {
    fn default() -> Self {
        Self {
            node: "keepline".to_owned(),
            cim: false,
            cim_from: Vec::new(),
            terms: Terms::default(),
            limits: TermsLimits::default(),
            pace: Some(PaceLimit::default()),
            login_within: Duration::from_secs(10),
        }
    }
}

/// Makes the lines of one server, and is what they reach by one pointer. A [`Service`], in an `Arc`.
pub struct Lines {
    hub: Arc<Hub>,
    delivery: Arc<Delivery>,
    accounts: Arc<Accounts>,
    guard: Arc<Guard>,
    settings: LineSettings,
    /// The settings', or what has come after it.
    pace: Live<Option<PaceLimit>>,
    heartbeat: Arc<Heartbeat>,
    cim_heartbeat: Arc<Heartbeat>,
    _watching: AbortOnDropHandle<()>,
}

impl Lines {
    /// Lines with these settings, and no limits of strangers.
    ///
    /// # Errors
    /// The terms contradict each other.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(
        hub: Arc<Hub>,
        delivery: Arc<Delivery>,
        accounts: Arc<Accounts>,
        settings: LineSettings,
    ) -> Result<Arc<Self>, HeartbeatError> {
        Self::guarded(hub, delivery, accounts, settings, Guard::new(GuardLimits::off()))
    }

    /// Lines with these settings, which ask the guard before they let anybody in.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn guarded(
        hub: Arc<Hub>,
        delivery: Arc<Delivery>,
        accounts: Arc<Accounts>,
        settings: LineSettings,
        guard: Arc<Guard>,
    ) -> Result<Arc<Self>, HeartbeatError> {
        let heartbeat = Arc::new(settings.terms.heartbeat()?);
        let cim_heartbeat = terms::cim()?;
        let watching = tokio::spawn(revoked::watch(Arc::clone(&hub), Arc::clone(&accounts)));
        let _watching = AbortOnDropHandle::new(watching);
        let pace = Live::new(settings.pace);
        Ok(Arc::new(Self { hub, delivery, accounts, guard, settings, pace, heartbeat, cim_heartbeat, _watching }))
    }

    /// How fast a client may send from now on, over the lines that are there too.
    pub fn set_pace(&self, pace: Option<PaceLimit>) {
        self.pace.set(pace);
    }

    /// The settings of a server of such lines.
    #[must_use]
    pub fn server_settings(&self) -> Settings {
        let mut settings = Settings::new(Arc::clone(&self.heartbeat));
        settings.handshake_within = Some(self.settings.login_within.into());
        settings.answers_in_flight = ANSWERS;
        (settings.outbox.messages, settings.outbox.bytes) = QUEUE;
        settings
    }

    /// A line's handler and codec.
    #[must_use]
    pub fn line(self: &Arc<Self>, peer: Option<SocketAddr>) -> (Line, Im) {
        let line = Line {
            lines: Arc::clone(self),
            state: State::Fresh(peer.map(Box::new)),
            pace: Pace::rested(),
            bytes: BytesIn::rested(),
        };
        (line, Im::server(Accepts { cim: self.serves_cim_at(peer.map(|peer| peer.ip())) }))
    }

    /// Whether cim's dialects are spoken with a peer: they have no proof of who one is. Without an address, as in
    /// memory, it is on this machine.
    fn serves_cim_at(&self, peer: Option<IpAddr>) -> bool {
        self.settings.cim && peer.is_none_or(|peer| may_speak_cim(peer, &self.settings.cim_from))
    }
}

impl Service for LineService {
    type Handler = Line;

    fn open(&self, peer: Option<SocketAddr>) -> (Line, Im) {
        self.0.line(peer)
    }
}

/// [`Lines`] as a service of a [`Server`](keepline::serve::Server).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper")]
pub struct LineService(pub Arc<Lines>);

/// The handler of one connection.
#[derive(Debug)]
pub struct Line {
    lines: Arc<Lines>,
    state: State,
    pace: Pace,
    bytes: BytesIn,
}

enum State {
    Fresh(Option<Box<SocketAddr>>),
    Checking(Box<Checking>),
    Session(Arc<Session>),
    Probe,
}

impl State {
    /// From where it came.
    fn peer(&self) -> Option<SocketAddr> {
        match self {
            Self::Fresh(peer) => peer.as_deref().copied(),
            Self::Checking(checking) => checking.peer,
            Self::Session(session) => session.peer(),
            Self::Probe => None,
        }
    }
}

/// A hello whose token is being looked up.
struct Checking {
    answer: oneshot::Receiver<Result<Identity, AuthError>>,
    hello: v1::Hello,
    peer: Option<SocketAddr>,
    /// A line that ends does not leave its question behind: of a store that does not answer there would be one for each
    /// that knocked meanwhile.
    _asking: AbortOnDropHandle<()>,
}

impl Line {
    fn on_first_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Im>) -> Flow {
        let State::Fresh(peer) = &self.state else { return Flow::Close(Reason::ServerError) };
        let peer = peer.as_deref().copied();
        match frame.dialect {
            Dialect::V1 => self.on_hello(frame, peer, turn),
            dialect => self.on_cim_login(frame, dialect, peer, turn),
        }
    }

    /// cim knows no proof of who one is: only that the name is the number's.
    fn on_cim_login(
        &mut self,
        frame: Frame<'_>,
        dialect: Dialect,
        peer: Option<SocketAddr>,
        turn: &mut Turn<'_, Im>,
    ) -> Flow {
        let Ok(login) = frame.cim() else { return Flow::Close(Reason::ProtocolError) };
        let known = self.lines.accounts.cim().name_of(login.id);
        let Some(user) = known.filter(|name| *name == login.text).and_then(|_| accounts::cim::user_of(login.id)) else {
            tracing::info!(id = login.id, "a login of cim with a name that is not the number's");
            return Flow::Close(Reason::AuthFailed);
        };
        let Ok(device) = CIM_DEVICE.parse() else { return Flow::Close(Reason::ServerError) };
        let address = peer.map(|peer| peer.ip());
        if !self.lines.guard.take_ticket(login.id, address) {
            tracing::info!(id = login.id, "a login of cim without a /login before it, or not from its address");
            return Flow::Close(Reason::AuthFailed);
        }
        if self.lines.guard.login(&user, &device).is_err() {
            return Flow::Close(Reason::RateLimited);
        }
        turn.set_terms(Arc::clone(&self.lines.cim_heartbeat));
        let speaks = Speaks::Cim(cim::Receiver { dialect, id: login.id });
        self.enter(Login { user, device, speaks, connection: turn.connection(), peer, token: None }, turn, |_| None)
    }

    /// Counts a login that has come to its end, in a session or in a close.
    fn count_login(&self, dialect: &'static str, flow: Flow) -> Flow {
        let Environment { metrics, audit, .. } = &**self.lines.hub.environment();
        match (&self.state, &flow) {
            (state, Flow::Close(reason)) => {
                metrics.login(dialect, Some(*reason));
                let refused = audit::Outcome::Refused(reason.name());
                audit.note(&Entry::new(Actor::Nobody, Action::Login, refused).from(state.peer()));
            }
            (State::Session(session), _) => {
                metrics.login(dialect, None);
                let user = Actor::User(session.user().as_str());
                let login = Entry::new(user, Action::Login, audit::Outcome::Done);
                audit.note(&login.about(session.device().as_str()).from(session.peer()));
            }
            (State::Fresh(_) | State::Checking(_) | State::Probe, _) => {}
        }
        flow
    }

    /// Makes the session; reading goes on once it has read its marks.
    fn enter(
        &mut self,
        login: Login,
        turn: &mut Turn<'_, Im>,
        welcome: impl FnOnce(SessionId) -> Option<Bytes>,
    ) -> Flow {
        let devices = self.lines.guard.limits().devices_of_user;
        let Some(session) = self.lines.hub.login(login, devices, welcome) else {
            return Flow::Close(Reason::TooManyDevices);
        };
        turn.establish();
        turn.codec().set_limit(Im::AFTER_LOGIN);
        self.state = State::Session(Arc::clone(&session));
        let (connection, lines) = (turn.connection(), Arc::clone(&self.lines));
        drop(tokio::spawn(async move {
            // Again, now that whoever calls it back finds the session: it may have been called back in between.
            match revoked::judge(&lines.hub, &lines.accounts, &session).await {
                Verdict::Good => {}
                Verdict::Ended => return,
                // Nobody is let in on a token that can't be looked up, here as before.
                Verdict::Unknown => return lines.hub.end(&session, Reason::ServerError),
            }
            drop(lines);
            session.sync().await;
            connection.resume();
        }));
        Flow::Pause
    }

    fn on_session_frame(&mut self, session: &Arc<Session>, frame: Frame<'_>, turn: &mut Turn<'_, Im>) -> Flow {
        match session.speaks() {
            Speaks::V1 => self.on_v1(session, frame, turn),
            // cim's clients send by HTTP; what one says here its server only writes down.
            Speaks::Cim(_) => Flow::Continue,
        }
    }

    /// Behind an answer that was given at once: reads nothing for a while from a client that does not take them.
    fn keep_room(&mut self, turn: &Turn<'_, Im>) -> Flow {
        let pace = self.keep_pace(turn);
        if turn.connection().queued().messages < WORDS {
            return pace;
        }
        resume_after(turn.connection(), WORDS_REST);
        Flow::Pause
    }

    /// Reads nothing for a while from a client that sends too fast.
    fn keep_pace(&mut self, turn: &Turn<'_, Im>) -> Flow {
        let Some(limit) = self.lines.pace.get() else { return Flow::Continue };
        let rest = self.pace.count(turn.now(), limit);
        // The longer of the two: the first to be over would have it read again.
        let Some(rest) = rest.max(self.rest_of_bytes(turn)) else { return Flow::Continue };
        resume_after(turn.connection(), rest.into());
        Flow::Pause
    }

    /// How long to read nothing from a client that has sent too many bytes.
    fn rest_of_bytes(&self, turn: &Turn<'_, Im>) -> Option<keepline::Duration> {
        self.bytes.rest(turn.now(), self.lines.guard.limits().inbound?)
    }

    /// Counts what has come; true if the client has sent too much for too long.
    fn is_flooded(&mut self, bytes: usize, turn: &Turn<'_, Im>) -> bool {
        self.lines.guard.limits().inbound.is_some_and(|limit| self.bytes.count(turn.now(), bytes, limit))
    }
}

impl Handler for Line {
    type Codec = Im;

    fn on_frame(&mut self, frame: Frame<'_>, turn: &mut Turn<'_, Im>) -> Flow {
        match &self.state {
            State::Fresh(_) => {
                let dialect = if frame.dialect == Dialect::V1 { "v1" } else { "cim" };
                let flow = self.on_first_frame(frame, turn);
                self.count_login(dialect, flow)
            }
            State::Session(session) => {
                let session = Arc::clone(session);
                if self.is_flooded(frame.body.len(), turn) {
                    return Flow::Close(Reason::RateLimited);
                }
                let flow = self.on_session_frame(&session, frame, turn);
                match self.rest_of_bytes(turn) {
                    Some(rest) if flow == Flow::Continue => {
                        resume_after(turn.connection(), rest.into());
                        Flow::Pause
                    }
                    _ => flow,
                }
            }
            // Nothing is read while a token is checked, and a probe has nothing to say.
            State::Checking(_) | State::Probe => Flow::Close(Reason::ProtocolError),
        }
    }

    fn on_wake(&mut self, turn: &mut Turn<'_, Im>) -> Flow {
        match &mut self.state {
            State::Checking(_) => {
                let flow = self.on_checked(turn);
                self.count_login("v1", flow)
            }
            State::Session(session) => {
                look(session, turn);
                Flow::Continue
            }
            State::Fresh(_) | State::Probe => Flow::Continue,
        }
    }

    fn on_beat(&mut self, beat: Beat, _: &mut Turn<'_, Im>) {
        // The pong is not out yet: the line is asked to look once it is.
        match (beat, &self.state) {
            (Beat::PongSent, State::Session(session)) => session.fetch_offline(),
            (Beat::PingSent, State::Session(session)) => {
                self.lines.hub.environment().past.note_asked(session.id());
            }
            _ => {}
        }
    }

    fn on_closing(&mut self, reason: Reason, turn: &mut Turn<'_, Im>) {
        // Who has read everything and goes need not be sent it again. Of a line that broke nothing is known.
        if let (Reason::PeerClosed | Reason::Bye | Reason::Draining, State::Session(session)) = (reason, &self.state) {
            look(session, turn);
        }
    }

    fn on_close(&mut self, report: &Report) {
        let past = &self.lines.hub.environment().past;
        past.agreed(report.id, None);
        if let State::Session(session) = &self.state {
            past.ended(session, report);
            let (reason, side, open_ms) = (report.reason, report.reason.side(), report.age.as_millis());
            let (session_id, user) = (session.id(), session.user());
            tracing::info!(session = %session_id, %user, %reason, %side, open_ms, %report, "session ended");
            self.lines.hub.logout(session);
        }
    }
}

/// Looks whether the kernel of a cim client has everything; who speaks our own protocol acknowledges it himself.
fn look(session: &Arc<Session>, turn: &Turn<'_, Im>) {
    if matches!(session.speaks(), Speaks::Cim(_))
        && let Some(pushes) = session.on_the_way()
        && turn.peer_has_all() == Some(true)
    {
        session.arrived(pushes);
    }
}

fn resume_after(connection: Connection, rest: Duration) {
    drop(tokio::spawn(async move {
        tokio::time::sleep(rest).await;
        connection.resume();
    }));
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh(_) => f.write_str("Fresh"),
            Self::Checking(_) => f.write_str("Checking"),
            Self::Session(session) => session.fmt(f),
            Self::Probe => f.write_str("Probe"),
        }
    }
}
