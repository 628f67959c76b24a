//! Guard: what strangers may cost, from accept to a login: how many of them, how often they fail, how often they come.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keepline::serve::Subscriber;
use tokio::time::Instant;

use crate::audit::Outcome::Done;
use crate::audit::{Action, Actor, Audit, Entry};
use crate::id::{DeviceId, UserId};
use crate::live::Live;
use crate::metrics::Metrics;

mod limits;
mod lru;
mod network;
mod strikes;
mod tickets;
mod window;

pub use limits::{ByteRate, GuardLimits, LoginLimit};
pub(crate) use network::may_speak_cim;
pub use network::{BadNetwork, Network};
pub use strikes::StrikeLimit;
pub use tickets::TICKET_LIFE;

use lru::Lru;
use strikes::{MOST_KEYS, Strikes};
use tickets::Tickets;
use window::Window;

/// Who may try to prove who he is, and how often. One for a server: what fails over one listener counts at the others.
///
/// Of each list at most 100,000 keys are remembered. A full one forgets the key that was touched least recently, whose
/// ban or count is over then: nobody is refused because others fill it. To fill the list of users takes 3,400 addresses that
/// fail at their own limits, with a password's hash for each failure; to fill that of addresses takes 100,000 of them.
#[derive(Debug)]
pub struct Guard {
    audit: Audit,
    limits: Live<GuardLimits>,
    metrics: Option<Arc<Metrics>>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    of_user: Option<Strikes<(UserId, Option<Subscriber>)>>,
    of_address: Option<Strikes<Subscriber>>,
    logins: Lru<(UserId, DeviceId), Window>,
    tickets: Tickets,
}

/// Not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many logins failed or came; try again in {} s", .retry_after.as_secs() + 1)]
#[non_exhaustive]
pub struct Refused {
    /// When to try again.
    pub retry_after: Duration,
}

/// An attempt to prove who one is. Dropped without a word, as when the store fails, it was none.
#[must_use = "tell how it ended"]
pub struct Attempt {
    guard: Arc<Guard>,
    user: (UserId, Option<Subscriber>),
    address: Option<Subscriber>,
    from: Option<IpAddr>,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Nothing was proved, either way.
    None,
    Passed,
    Failed,
}

impl Guard {
    /// With these limits.
    #[must_use]
    pub fn new(limits: GuardLimits) -> Arc<Self> {
        Self::build(limits, None, Audit::off())
    }

    /// As [`new`](Self::new), with bans and refusals counted, and bans noted.
    #[must_use]
    pub fn watched(limits: GuardLimits, metrics: Arc<Metrics>, audit: Audit) -> Arc<Self> {
        Self::build(limits, Some(metrics), audit)
    }

    fn build(limits: GuardLimits, metrics: Option<Arc<Metrics>>, audit: Audit) -> Arc<Self> {
        let state = State {
            of_user: limits.failures_of_user.map(Strikes::new),
            of_address: limits.failures_of_address.map(Strikes::new),
            logins: Lru::new(MOST_KEYS),
            tickets: Tickets::default(),
        };
        Arc::new(Self { audit, limits: Live::new(limits), metrics, state: Mutex::new(state) })
    }

    /// The limits.
    #[must_use]
    pub fn limits(&self) -> GuardLimits {
        self.limits.get()
    }

    /// Other limits from now on. What was counted counts on, and who is banned stays so for as long as he was told.
    /// Those of connections are the listener's, and not held here.
    pub fn set_limits(&self, limits: GuardLimits) {
        let mut state = self.state();
        Strikes::follow(&mut state.of_user, limits.failures_of_user);
        Strikes::follow(&mut state.of_address, limits.failures_of_address);
        self.limits.set(limits);
    }

    /// Whether anybody may make himself an account.
    pub fn allows_sign_ups(&self) -> bool {
        self.limits().sign_ups
    }

    /// Somebody wants to prove who he is, by a password. To be asked before anything is spent on it.
    ///
    /// # Errors
    /// [`Refused`] while the address, or the user from there, has failed too often, or has as many attempts in flight.
    pub fn attempt(self: &Arc<Self>, user: &UserId, address: Option<IpAddr>) -> Result<Attempt, Refused> {
        let (now, from, address) = (Instant::now(), address, address.map(Subscriber::of));
        let user = (user.clone(), address);
        let mut state = self.state();
        let State { of_user, of_address, .. } = &mut *state;
        let mut of_user = of_user.as_mut().map(|strikes| (strikes, &user));
        let mut of_address = of_address.as_mut().zip(address.as_ref());
        let waits = [
            (of_user.as_mut().and_then(|(strikes, key)| strikes.refused_for(key, now)), "user"),
            (of_address.as_mut().and_then(|(strikes, key)| strikes.refused_for(key, now)), "address"),
        ];
        if let Some((retry_after, of)) = waits.into_iter().filter_map(|(wait, of)| Some((wait?, of))).max() {
            return Err(self.refused(of, retry_after));
        }
        if let Some((strikes, key)) = of_user {
            strikes.begin(key);
        }
        if let Some((strikes, key)) = of_address {
            strikes.begin(key);
        }
        drop(state);
        Ok(Attempt { guard: Arc::clone(self), user, address, from, outcome: Outcome::None })
    }

    /// Somebody wants to show a token. That costs a look-up and can't be guessed, so any number may be looked up at once.
    ///
    /// # Errors
    /// [`Refused`] while too much from the address has failed.
    pub fn token(&self, address: Option<IpAddr>) -> Result<(), Refused> {
        let (now, mut state) = (Instant::now(), self.state());
        let strikes = state.of_address.as_mut().zip(address.map(Subscriber::of));
        match strikes.and_then(|(strikes, key)| strikes.banned_for(&key, now)) {
            Some(retry_after) => Err(self.refused("address", retry_after)),
            None => Ok(()),
        }
    }

    /// The token was none.
    pub fn bad_token(&self, address: Option<IpAddr>) {
        let (now, mut state) = (Instant::now(), self.state());
        let strikes = state.of_address.as_mut().zip(address.map(Subscriber::of));
        let banned = strikes.is_some_and(|(strikes, key)| strikes.strike(&key, now));
        drop(state);
        if let Some(address) = address.filter(|_| banned) {
            self.tell_ban(None, Some(address));
        }
    }

    fn tell_ban(&self, user: Option<&UserId>, from: Option<IpAddr>) {
        let from = from.map_or_else(|| "memory".to_owned(), |from| from.to_string());
        let whom = match user {
            Some(user) => {
                tracing::warn!(%user, "too many failed logins of a user from one address: banned for a while");
                self.count_ban("user");
                format!("{user} from {from}")
            }
            None => {
                tracing::warn!("too many failed logins from one address: banned for a while");
                self.count_ban("address");
                from
            }
        };
        self.audit.note(&Entry::new(Actor::Server, Action::Ban, Done).about(&whom));
    }

    /// A device has proved who it is, and wants a session.
    ///
    /// # Errors
    /// [`Refused`] if it has had too many of late. What is refused does not count.
    pub fn login(&self, user: &UserId, device: &DeviceId) -> Result<(), Refused> {
        let Some(LoginLimit { logins, within }) = self.limits().logins_of_device else { return Ok(()) };
        let (now, mut state) = (Instant::now(), self.state());
        let window = state.logins.touch(&(user.clone(), device.clone()));
        let most = logins.max(1) as usize;
        if window.count(now, within) >= most {
            return Err(self.refused("device", window.next_room(now, within, most)));
        }
        window.push(now);
        Ok(())
    }

    /// A user of cim's has asked where to connect, by `/login`: he may connect from there.
    pub fn give_ticket(&self, cim_id: i64, address: Option<IpAddr>) {
        if let Some(address) = address.filter(|_| self.limits().cim_tickets) {
            self.state().tickets.give(cim_id, Subscriber::of(address), Instant::now());
        }
    }

    /// A user of cim's connects: whether he asked where to of late, from the same address, and has not come since.
    pub fn take_ticket(&self, cim_id: i64, address: Option<IpAddr>) -> bool {
        !self.limits().cim_tickets
            || address.is_some_and(|address| self.state().tickets.take(cim_id, Subscriber::of(address), Instant::now()))
    }

    /// Counts a refusal by whose limit it was: a user's at an address, an address's, or a device's.
    fn refused(&self, of: &'static str, retry_after: Duration) -> Refused {
        if let Some(metrics) = &self.metrics {
            metrics.guard_refused(of);
        }
        Refused { retry_after }
    }

    fn count_ban(&self, of: &'static str) {
        if let Some(metrics) = &self.metrics {
            metrics.banned(of);
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing of others' runs under the lock: what is there is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    /// He is who he says.
    pub fn passed(mut self) {
        self.outcome = Outcome::Passed;
    }

    /// He is not, or nobody is.
    pub fn failed(mut self) {
        self.outcome = Outcome::Failed;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let (now, mut state) = (Instant::now(), self.guard.state());
        let State { of_user, of_address, .. } = &mut *state;
        let (mut user_banned, mut address_banned) = (false, false);
        if let Some(strikes) = of_user {
            let user = &self.user;
            match self.outcome {
                Outcome::Failed => user_banned = strikes.failed(user, now),
                outcome => strikes.passed(user, now, outcome == Outcome::Passed),
            }
        }
        if let Some((strikes, address)) = of_address.as_mut().zip(self.address.as_ref()) {
            match self.outcome {
                Outcome::Failed => address_banned = strikes.failed(address, now),
                // Not forgiven: who tries others' passwords has one of his own.
                _ => strikes.passed(address, now, false),
            }
        }
        drop(state);
        if user_banned {
            self.guard.tell_ban(Some(&self.user.0), self.from);
        }
        if address_banned {
            self.guard.tell_ban(None, self.from);
        }
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
