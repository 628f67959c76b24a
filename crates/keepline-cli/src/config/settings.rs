//! Settings: what an operator may choose, by section, each of its type.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use keepline::Duration;
use keepline::serve::Rate as LineRate;
use keepline_server::accounts::jwt::IssuerSettings;
use keepline_server::guard::{ByteRate, Network, StrikeLimit};
use keepline_server::overload::limit_of_process;
use keepline_server::store::Store;
use keepline_server::store::memory::Memory;
use keepline_server::store::redb::{Options, Redb};
use keepline_server::tls::TlsFiles;
use keepline_server::{CimMode, Config};

use super::keys::KEYS;
use super::limit::Limit;
use super::value::{AuditFile, LogFormat, Logins, Pace};
use crate::limits::Limits;
use crate::log::Rate;
use crate::secret::Secret;

/// All of them. [`Settings::default`] is what the table says.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) listen: Listen,
    pub(crate) http: Http,
    pub(crate) liveness: Liveness,
    pub(crate) store: Kept,
    pub(crate) limits: Allowed,
    pub(crate) cim: Cim,
    pub(crate) server: Served,
    pub(crate) tokens: Tokens,
    pub(crate) admin: Admin,
    pub(crate) log: Log,
    pub(crate) audit: AuditFile,
}

/// Where it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Listen {
    pub(crate) http: SocketAddr,
    pub(crate) tcp: SocketAddr,
    pub(crate) tls: Tls,
    pub(crate) allow_plaintext: bool,
    pub(crate) proxy_protocol: Vec<Network>,
    pub(crate) admin: Option<SocketAddr>,
}

/// The certificate that is shown; both or none, which [`Sources::load`](super::Sources::load) sees to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

/// Who is believed to speak for others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Http {
    pub(crate) trusted_proxies: Vec<Network>,
}

/// When a line is given up, and how it is let go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Liveness {
    pub(crate) ping_after: Duration,
    pub(crate) silence: Duration,
    pub(crate) slow_after: Duration,
    pub(crate) login_within: Duration,
    pub(crate) drain: Duration,
}

/// What is kept, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) data: PathBuf,
    pub(crate) memory: bool,
    pub(crate) keep_for: Duration,
    pub(crate) keep_messages: u64,
    pub(crate) keep_bytes: u64,
}

/// What clients may take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allowed {
    pub(crate) set: Limits,
    pub(crate) pace: Option<Pace>,
    pub(crate) logins: Option<Logins>,
    pub(crate) devices: Option<usize>,
    pub(crate) sign_ups: bool,
    pub(crate) max_connections: Option<usize>,
    pub(crate) max_memory: Option<u64>,
    pub(crate) everyone: Option<Limit<LineRate>>,
    pub(crate) bytes: Option<Limit<ByteRate>>,
    pub(crate) unauthenticated_percent: Option<u8>,
    pub(crate) unauthenticated_per_address: Option<Limit<usize>>,
    pub(crate) new_per_address: Option<Limit<LineRate>>,
    pub(crate) accepts: Option<Limit<LineRate>>,
    pub(crate) failures_of_user: Option<Limit<StrikeLimit>>,
    pub(crate) failures_of_address: Option<Limit<StrikeLimit>>,
}

/// cim's dialects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cim {
    pub(crate) mode: CimMode,
    pub(crate) from: Vec<Network>,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) advertise: Option<IpAddr>,
    pub(crate) tickets: Option<bool>,
}

/// The process itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    pub(crate) name: String,
    pub(crate) workers: Option<u16>,
}

/// Whose tokens are taken beside our own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    /// With an audience, or neither, which [`Sources::load`](super::Sources::load) sees to.
    pub(crate) keys: Option<PathBuf>,
    pub(crate) audience: String,
    pub(crate) issuer: Option<String>,
    pub(crate) create_users: bool,
}

/// The admin listener.
#[derive(Clone, Debug, Default)]
pub(crate) struct Admin {
    pub(crate) token: Option<Secret>,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) filter: String,
    pub(crate) rate: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Self {
            listen: Listen {
                http: nowhere,
                tcp: nowhere,
                tls: Tls::default(),
                allow_plaintext: false,
                proxy_protocol: Vec::new(),
                admin: None,
            },
            http: Http::default(),
            liveness: Liveness::default(),
            store: Kept::default(),
            limits: Allowed::default(),
            cim: Cim::default(),
            server: Served::default(),
            tokens: Tokens::default(),
            admin: Admin::default(),
            log: Log::default(),
            audit: AuditFile::default(),
        };
        for key in KEYS {
            let set = (key.set)(&mut settings, key.default);
            debug_assert_eq!(set, Ok(()), "the default of {}", key.name);
        }
        settings
    }
}

impl Settings {
    /// As the server takes it.
    pub(crate) fn server(&self) -> Config {
        let Self { listen, http, liveness, store, limits, cim, server, tokens, .. } = self;
        let mut config = Config::default();
        (config.http, config.tcp, config.admin) = (listen.http, listen.tcp, listen.admin);
        let Tls { cert, key } = listen.tls.clone();
        config.tls = cert.zip(key).map(|(cert, key)| TlsFiles { cert, key });
        config.allow_plaintext = listen.allow_plaintext;
        (config.cim, config.cim_http, config.advertise) = (cim.mode, cim.http, cim.advertise);
        (config.terms.ping_after, config.terms.silence) = (liveness.ping_after.to_std(), liveness.silence.to_std());
        (config.slow_after, config.login_within) = (liveness.slow_after.to_std(), liveness.login_within.to_std());
        config.cim_from.clone_from(&cim.from);
        config.trusted_proxies.clone_from(&http.trusted_proxies);
        config.proxy_protocol.clone_from(&listen.proxy_protocol);
        config.connections = limits.max_connections;
        config.memory = limits.max_memory;
        config.name.clone_from(&server.name);
        config.issuer = tokens.keys.clone().map(|keys| IssuerSettings {
            keys,
            audience: tokens.audience.clone(),
            name: tokens.issuer.clone(),
            creates_users: tokens.create_users,
        });
        let retention = &mut config.retention;
        (retention.age, retention.records, retention.bytes) =
            (store.keep_for.to_std(), store.keep_messages, store.keep_bytes);
        limits.limit(&mut config);
        put(&mut config.guard.cim_tickets, cim.tickets);
        config
    }

    /// The file in which it is noted who did what.
    pub(crate) fn audit_file(&self) -> Option<PathBuf> {
        match &self.audit {
            AuditFile::WithData => (!self.store.memory).then(|| self.store.data.join("audit.log")),
            AuditFile::At(path) => Some(path.clone()),
            AuditFile::Off => None,
        }
    }

    /// Opens where everything is kept.
    ///
    /// # Errors
    /// It can't be opened, or another process has it.
    pub(crate) fn open_store(&self) -> io::Result<Arc<dyn Store>> {
        if self.store.memory {
            return Ok(Memory::new());
        }
        let memory = limit_of_process(self.limits.max_memory);
        Ok(Redb::open(&self.store.data, Options::default().within(memory)).map_err(io::Error::other)?)
    }
}

impl Allowed {
    /// The set, and over it what was asked for itself.
    fn limit(&self, config: &mut Config) {
        self.set.open(config);
        if let Some(Pace(pace)) = self.pace {
            config.pace = pace;
            if pace.is_none() {
                config.guard.inbound = None;
            }
        }
        put(&mut config.everyone, self.everyone.map(|Limit(rate)| rate));
        let guard = &mut config.guard;
        put(&mut guard.logins_of_device, self.logins.map(|Logins(limit)| limit));
        put(&mut guard.devices_of_user, self.devices);
        guard.sign_ups = self.sign_ups;
        put(&mut guard.inbound, self.bytes.map(|Limit(limit)| limit));
        put(&mut guard.unauthenticated_percent, self.unauthenticated_percent);
        put(&mut guard.unauthenticated_per_address, self.unauthenticated_per_address.map(|Limit(limit)| limit));
        put(&mut guard.new_per_address, self.new_per_address.map(|Limit(limit)| limit));
        put(&mut guard.accepts, self.accepts.map(|Limit(limit)| limit));
        put(&mut guard.failures_of_user, self.failures_of_user.map(|Limit(limit)| limit));
        put(&mut guard.failures_of_address, self.failures_of_address.map(|Limit(limit)| limit));
    }
}

/// Where something was asked for.
fn put<T>(place: &mut T, asked: Option<T>) {
    if let Some(asked) = asked {
        *place = asked;
    }
}

#[cfg(test)]
mod tests {
    use keepline_server::guard::GuardLimits;
    use keepline_server::line::PaceLimit;

    use super::super::{Effective, flags::Flags};
    use super::*;

    fn config(flags: &str) -> Config {
        Effective::of(None, std::iter::empty(), &Flags::of(flags)).unwrap().settings.server()
    }

    #[test]
    fn without_a_word_it_is_the_library_s_default() {
        assert_eq!(format!("{:?}", config("")), format!("{:?}", Config::default()));
    }

    /// What the table tells people, where the default is the library's.
    #[test]
    fn what_is_said_to_be_the_default_is_the_default() {
        let told = KEYS.iter().filter_map(|key| Some((key, key.about.split_once("Default: ")?.1)));
        let mut count = 0;
        for (key, default) in told {
            let mut settings = Settings::default();
            (key.set)(&mut settings, default).unwrap_or_else(|why| panic!("{} = {default}: {why}", key.name));
            assert_eq!(format!("{:?}", settings.server()), format!("{:?}", Config::default()), "{}", key.name);
            count += 1;
        }
        assert_eq!(count, 13, "of those");
    }

    #[test]
    fn each_limit_is_its_setting() {
        let set = |name: &str, text: &str| {
            let (mut settings, key) = (Settings::default(), KEYS.iter().find(|key| key.name == name).unwrap());
            (key.set)(&mut settings, text).unwrap();
            settings.server()
        };
        let default = Config::default();
        let each = [
            set("limits.everyone", "off").everyone.is_none(),
            set("limits.bytes", "off").guard.inbound.is_none(),
            set("limits.unauthenticated_percent", "11").guard.unauthenticated_percent == 11,
            set("limits.unauthenticated_per_address", "7").guard.unauthenticated_per_address == Some(7),
            set("limits.new_per_address", "off").guard.new_per_address.is_none(),
            set("limits.accepts", "off").guard.accepts.is_none(),
            set("limits.failures_of_user", "off").guard.failures_of_user.is_none(),
            set("limits.failures_of_address", "off").guard.failures_of_address.is_none(),
            !set("cim.tickets", "false").guard.cim_tickets,
        ];
        assert_eq!(each, [true; 9]);
        assert!(default.everyone.is_some() && default.guard.cim_tickets, "each was another before");
    }

    #[test]
    fn each_word_is_its_setting() {
        let said = config("--name east --pace 7 --keep-for 2d --keep-messages 9 --keep-bytes 1MiB");
        assert_eq!(said.name, "east");
        assert_eq!(said.pace, Some(PaceLimit { per_second: 7, burst: 35 }));
        let kept = said.retention;
        assert_eq!((kept.age.as_secs(), kept.records, kept.bytes), (2 * 24 * 3600, 9, 1 << 20));
        assert_eq!(config("--pace off").pace, None);
        assert_eq!((config("--limits bench").pace, config("--limits bench").everyone), (None, None));
        assert_eq!(config("--limits bench").guard, GuardLimits::off());
        assert_eq!(config("--limits proxied").guard, GuardLimits::default().of_no_address());
        assert_eq!(config("--pace off").guard.inbound, None);
        let issuer = config("--token-keys k.json --token-audience chat --token-create-users=false").issuer;
        let issuer = issuer.map(|said| (said.keys, said.audience, said.name, said.creates_users));
        assert_eq!(issuer, Some((PathBuf::from("k.json"), "chat".to_owned(), None, false)));
        assert_eq!(config("--devices 3").guard.devices_of_user, 3);
        assert!(config("").guard.sign_ups && !config("--sign-ups=false").guard.sign_ups);
        assert_eq!(config("--logins-per-minute off").guard.logins_of_device, None);
        assert_eq!(config("--logins-per-minute 7").guard.logins_of_device.map(|limit| limit.logins), Some(7));
        assert_eq!(config("--cim-from 10.0.0.0/8,fd00::/8").cim_from.len(), 2);
        assert_eq!(config("--trusted-proxies 10.0.0.0/8,fd00::/8").trusted_proxies.len(), 2);
        assert_eq!(config("--proxy-protocol 10.0.0.0/8,fd00::/8").proxy_protocol.len(), 2);
        assert!(config("--limits bench --pace 20").pace.is_some(), "what was asked for itself wins");
    }
}
