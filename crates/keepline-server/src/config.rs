//! Config: what an operator may choose, checked once before anything starts.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use keepline::liveness::HeartbeatError;
use keepline::serve::Rate;

use crate::accounts::Hashing;
use crate::accounts::jwt::IssuerSettings;
use crate::guard::{GuardLimits, Network};
use crate::http::admin::AdminToken;
use crate::line::{PaceLimit, Terms};
use crate::retention::Limits;
use crate::room::{Listeners, NoRoom, Room};
use crate::tls::TlsFiles;

mod warning;

pub use warning::Warning;

/// What an operator may choose. Start from [`Config::default`], which is cim's own ports on loopback, and change fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where HTTP is served: `/v1`, and cim's route endpoints.
    pub http: SocketAddr,
    /// Proxies in front of HTTP, whose word is taken for whom they speak: the right-most address in `X-Forwarded-For`
    /// that is none of theirs. Whoever is there can be anybody.
    pub trusted_proxies: Vec<Network>,
    /// Where the long connections come in.
    pub tcp: SocketAddr,
    /// Proxies in front of the long connections, which say whom they speak for by the PROXY protocol, version 1 or 2;
    /// a connection of theirs without it is closed. Whoever is there can be anybody.
    pub proxy_protocol: Vec<Network>,
    /// The certificate that HTTP and the long connections show; `None` for plaintext.
    pub tls: Option<TlsFiles>,
    /// Whether plaintext may leave the machine, as where something else in front ends TLS.
    pub allow_plaintext: bool,
    /// Where health, metrics, sessions and backup are served: loopback only. `None` for nowhere.
    pub admin: Option<SocketAddr>,
    /// What the admin listener asks for, but for health; `None` for nothing, as where nobody else works on the machine.
    pub admin_token: Option<AdminToken>,
    /// Where cim's `/sendMsg` is served, if its dialects are on. `None` for nowhere.
    pub cim_http: Option<SocketAddr>,
    /// Whether cim's dialects are spoken.
    pub cim: CimMode,
    /// With whom they are spoken beyond this machine, by the long connections and by HTTP. Whoever is there can be any
    /// user of cim's.
    pub cim_from: Vec<Network>,
    /// The address that cim's `/login` names, where clients reach this host by another than the one they asked at.
    pub advertise: Option<IpAddr>,
    /// The server's name, in `Welcome` and in logs.
    pub name: String,
    /// When clients of our own protocol ping, and when they are given up.
    pub terms: Terms,
    /// From accept to login, absolute.
    pub login_within: Duration,
    /// How long something may wait to be taken by a client before it is closed as `slow_consumer`; half as long again
    /// for what waits in the kernel only (`TCP_USER_TIMEOUT`).
    pub slow_after: Duration,
    /// Long connections at one time; `None` for what the limit of open files leaves ([`room`](Self::room)).
    pub connections: Option<usize>,
    /// Memory of the process, in bytes: what is given up as it runs out, see [`Level`](crate::overload::Level). `None`
    /// for what the control groups of the process allow, which count beside a number given here too.
    pub memory: Option<u64>,
    /// How many files this server may have open at one time; `None` for as many as the process. A program that opens
    /// many itself keeps its own part out of this.
    pub descriptors: Option<u64>,
    /// How fast a client may send over its line, where more is read later, and how fast a user may by HTTP, where more
    /// is refused as `rate_limited`; `None` for as fast as they can.
    pub pace: Option<PaceLimit>,
    /// How fast all users together may send to everyone who is online; more is refused as `rate_limited`. `None` for as
    /// fast as they can.
    pub everyone: Option<Rate>,
    /// What strangers may cost.
    pub guard: GuardLimits,
    /// What a password costs.
    pub hashing: Hashing,
    /// The file in which it is noted who did what; `None` for nowhere.
    pub audit: Option<PathBuf>,
    /// Whose JWTs are taken beside our own tokens; `None` for nobody's.
    pub issuer: Option<IssuerSettings>,
    /// What is kept of each conversation.
    pub retention: Limits,
}

/// Each message is a push to every session that is online: at 10,000 of them, half a million pushes a second. Over twice
/// of what one user may, so that no user alone leaves nothing to the others.
const EVERYONE: Rate = Rate { per_second: 50, burst: 250 };

/// What a server needs before anybody comes, generously.
const LEAST_MEMORY: u64 = 32 << 20;

/// Whether cim's dialects are spoken. They have no authentication at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three values of the flag")]
pub enum CimMode {
    /// Without TLS, while the public listeners are on loopback or networks are named.
    #[default]
    Auto,
    /// Yes, with this machine and the networks that are named.
    On,
    /// No.
    Off,
}

impl Default for Config {
    fn default() -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            http: local(8083),
            trusted_proxies: Vec::new(),
            proxy_protocol: Vec::new(),
            tcp: local(11211),
            tls: None,
            allow_plaintext: false,
            admin: Some(local(8084)),
            admin_token: None,
            cim_http: Some(local(8081)),
            cim: CimMode::Auto,
            cim_from: Vec::new(),
            advertise: None,
            name: "keepline".to_owned(),
            terms: Terms::default(),
            login_within: Duration::from_secs(10),
            slow_after: Duration::from_secs(30),
            connections: None,
            memory: None,
            descriptors: None,
            pace: Some(PaceLimit::default()),
            everyone: Some(EVERYONE),
            guard: GuardLimits::default(),
            hashing: Hashing::default(),
            audit: None,
            issuer: None,
            retention: Limits::default(),
        }
    }
}

impl Config {
    /// Whether cim's dialects are spoken with these settings.
    #[must_use]
    pub fn speaks_cim(&self) -> bool {
        match self.cim {
            CimMode::On => true,
            CimMode::Off => false,
            // None of them can speak TLS.
            CimMode::Auto => {
                self.tls.is_none()
                    && (!self.cim_from.is_empty() || self.http.ip().is_loopback() && self.tcp.ip().is_loopback())
            }
        }
    }

    /// How many connections each listener takes, by the limit of open files.
    ///
    /// # Errors
    /// They do not fit: [`ConfigError::Room`].
    pub fn room(&self) -> Result<Room, ConfigError> {
        let descriptors = self.descriptors.unwrap_or_else(process_limit);
        let listeners =
            Listeners { cim_http: self.cim_http.is_some() && self.speaks_cim(), admin: self.admin.is_some() };
        Room::share(descriptors, self.connections, listeners).map_err(ConfigError::Room)
    }

    /// Whether a server can work with these settings.
    ///
    /// # Errors
    /// The first of the [`faults`](Self::faults).
    pub fn check(&self) -> Result<(), ConfigError> {
        self.faults().into_iter().next().map_or(Ok(()), Err)
    }

    /// All that is wrong with these settings; nothing, if a server can work with them.
    #[must_use]
    pub fn faults(&self) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        faults.extend(self.terms.heartbeat().err().map(ConfigError::Terms));
        let local =
            [("the admin listener", self.admin), ("cim's /sendMsg", self.cim_http.filter(|_| self.speaks_cim()))];
        for (what, address) in local {
            let address = address.filter(|address| !address.ip().is_loopback());
            faults.extend(address.map(|address| ConfigError::NotLoopback { what, address }));
        }
        if let Some((what, address)) = self.plaintext().first()
            && !self.allow_plaintext
        {
            faults.push(ConfigError::Plaintext { what, address: *address });
        }
        let no_pace = self.pace.is_some_and(|pace| pace.per_second == 0 || pace.burst == 0)
            || self.everyone.is_some_and(|rate| rate.per_second == 0 || rate.burst == 0);
        let Limits { records, bytes, age, every } = self.retention;
        let name_is_wrong = self.name.is_empty() || self.name.len() > 64 || self.name.chars().any(char::is_control);
        let each = [
            (self.login_within == Duration::ZERO, ConfigError::NoTimeForLogin),
            (self.slow_after == Duration::ZERO, ConfigError::NoTimeToTake),
            (name_is_wrong, ConfigError::Name),
            (no_pace, ConfigError::NoPace),
            (self.issuer.as_ref().is_some_and(|issuer| issuer.audience.is_empty()), ConfigError::NoAudience),
            (records == 0 || bytes == 0 || age == Duration::ZERO, ConfigError::NothingKept),
            (every == Duration::ZERO, ConfigError::RetentionSpins),
            (self.memory.is_some_and(|limit| limit < LEAST_MEMORY), ConfigError::LittleMemory),
        ];
        faults.extend(each.into_iter().filter_map(|(is_wrong, fault)| is_wrong.then_some(fault)));
        faults.extend(self.room().err());
        faults
    }
}

/// Settings that can't work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The terms of our own protocol contradict each other.
    #[error("the heartbeat's terms: {0}")]
    Terms(HeartbeatError),
    /// Whoever listens on the way would know what is said to it.
    #[error("{what} at {address} is not for strangers: give it a loopback address, as 127.0.0.1:8084")]
    NotLoopback {
        /// What listens.
        what: &'static str,
        /// Where.
        address: SocketAddr,
    },
    /// Passwords and tokens could be read on the way.
    #[error(
        "{what} at {address} would be plaintext beyond loopback: passwords, tokens and messages could be read on the \
         way. Give it a certificate (--tls-cert, --tls-key), listen on 127.0.0.1 behind what ends TLS, or say \
         --allow-plaintext"
    )]
    Plaintext {
        /// What listens.
        what: &'static str,
        /// Where.
        address: SocketAddr,
    },
    /// Nobody could log in.
    #[error("zero time to log in: allow at least a second")]
    NoTimeForLogin,
    /// Any token of the same issuer would do, whomever it is for.
    #[error("keys of tokens without an audience: say what `aud` calls this server (--token-audience)")]
    NoAudience,
    /// Every client would be slow.
    #[error("zero time for a client to take what it is sent: allow at least a second")]
    NoTimeToTake,
    /// The name stands in logs and frames.
    #[error("the server's name is 1 to 64 bytes without control characters")]
    Name,
    /// Nobody could send.
    #[error(
        "a pace of 0 messages a second or at once takes none: allow at least 1 (--pace), or set no limit (--pace off)"
    )]
    NoPace,
    /// Messages would go before they are read.
    #[error(
        "messages would be dropped as they come: keep at least 1 message, 1 byte and some time (--keep-messages, \
         --keep-bytes, --keep-for)"
    )]
    NothingKept,
    /// It would do nothing else.
    #[error("retention would look at the conversations without a pause: leave at least a second between")]
    RetentionSpins,
    /// It would be short of memory at once.
    #[error("a limit of memory below 32 MiB is met by a server without clients: allow more (--max-memory)")]
    LittleMemory,
    /// More connections than files may be open.
    #[error(transparent)]
    Room(NoRoom),
}

/// The soft limit of open files of this process.
fn process_limit() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

impl From<ConfigError> for std::io::Error {
    fn from(error: ConfigError) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work_and_speak_cim_on_loopback_only() {
        let mut config = Config::default();
        assert_eq!(config.check(), Ok(()));
        let public = "0.0.0.0:8083".parse().unwrap();
        let table = [
            (CimMode::Auto, config.http, true),
            (CimMode::Auto, public, false),
            (CimMode::On, public, true),
            (CimMode::Off, config.http, false),
        ];
        for (mode, http, speaks) in table {
            (config.cim, config.http) = (mode, http);
            assert_eq!(config.speaks_cim(), speaks, "{mode:?} at {http}");
        }
        (config.cim, config.http) = (CimMode::Auto, public);
        config.cim_from.push("10.0.0.0/8".parse().unwrap());
        assert!(config.speaks_cim(), "with the networks that are named");
    }

    const NOTHING_KEPT: &str = "messages would be dropped as they come: keep at least 1 message, 1 byte and some time \
                                (--keep-messages, --keep-bytes, --keep-for)";

    #[test]
    fn what_can_not_work_is_refused_with_a_sentence() {
        type Change = fn(&mut Config);
        let table: [(Change, &str); 13] = [
            (
                |config| config.terms.silence = Duration::from_secs(30),
                "the heartbeat's terms: silence limit 30s is below twice the ping interval 25s: allow at least 50s, or \
                 ping more often",
            ),
            (
                |config| config.admin = Some(([0, 0, 0, 0], 8084).into()),
                "the admin listener at 0.0.0.0:8084 is not for strangers: give it a loopback address, as \
                 127.0.0.1:8084",
            ),
            (
                |config| config.cim_http = Some(([10, 0, 0, 1], 8081).into()),
                "cim's /sendMsg at 10.0.0.1:8081 is not for strangers: give it a loopback address, as 127.0.0.1:8084",
            ),
            (
                |config| config.tcp = ([10, 0, 0, 1], 7).into(),
                "the IM port at 10.0.0.1:7 would be plaintext beyond loopback: passwords, tokens and messages could be \
                 read on the way. Give it a certificate (--tls-cert, --tls-key), listen on 127.0.0.1 behind what ends \
                 TLS, or say --allow-plaintext",
            ),
            (|config| config.login_within = Duration::ZERO, "zero time to log in: allow at least a second"),
            (
                |config| config.slow_after = Duration::ZERO,
                "zero time for a client to take what it is sent: allow at least a second",
            ),
            (|config| config.name = "a\nb".into(), "the server's name is 1 to 64 bytes without control characters"),
            (
                |config| config.pace = Some(PaceLimit { per_second: 0, burst: 1 }),
                "a pace of 0 messages a second or at once takes none: allow at least 1 (--pace), or set no limit \
                 (--pace off)",
            ),
            (|config| config.retention.age = Duration::ZERO, NOTHING_KEPT),
            (|config| config.retention.records = 0, NOTHING_KEPT),
            (
                |config| config.retention.every = Duration::ZERO,
                "retention would look at the conversations without a pause: leave at least a second between",
            ),
            (
                |config| config.memory = Some(1 << 20),
                "a limit of memory below 32 MiB is met by a server without clients: allow more (--max-memory)",
            ),
            (
                |config| config.connections = Some(0),
                "0 long connections would refuse everybody: allow at least 1 (--max-connections)",
            ),
        ];
        for (change, said) in table {
            let mut config = Config::default();
            change(&mut config);
            assert_eq!(config.check().unwrap_err().to_string(), said);
        }
    }
}
