//! Settings: what an operator may choose, by section, each of its type.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use keepline::Duration;
use keepline_server::guard::Network;
use keepline_server::store::Store;
use keepline_server::store::memory::Memory;
use keepline_server::store::redb::{Options, Redb};
use keepline_server::tls::TlsFiles;
use keepline_server::{CimMode, Config};

use super::keys::KEYS;
use super::value::{LogFormat, Logins, Pace};
use crate::account::Secret;
use crate::limits::Limits;
use crate::log::Rate;

/// All of them. [`Settings::default`] is what the table says.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) listen: Listen,
    pub(crate) liveness: Liveness,
    pub(crate) store: Kept,
    pub(crate) limits: Allowed,
    pub(crate) cim: Cim,
    pub(crate) server: Served,
    pub(crate) admin: Admin,
    pub(crate) log: Log,
}

/// Where it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Listen {
    pub(crate) http: SocketAddr,
    pub(crate) tcp: SocketAddr,
    pub(crate) tls: Tls,
    pub(crate) allow_plaintext: bool,
    pub(crate) admin: Option<SocketAddr>,
}

/// The certificate that is shown; both or none, which [`Sources::load`](super::Sources::load) sees to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
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
    pub(crate) max_connections: Option<usize>,
}

/// cim's dialects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cim {
    pub(crate) mode: CimMode,
    pub(crate) from: Vec<Network>,
    pub(crate) http: Option<SocketAddr>,
    pub(crate) advertise: Option<IpAddr>,
}

/// The process itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Served {
    pub(crate) name: String,
    pub(crate) workers: Option<u16>,
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
            listen: Listen { http: nowhere, tcp: nowhere, tls: Tls::default(), allow_plaintext: false, admin: None },
            liveness: Liveness::default(),
            store: Kept::default(),
            limits: Allowed::default(),
            cim: Cim::default(),
            server: Served::default(),
            admin: Admin::default(),
            log: Log::default(),
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
        let Self { listen, liveness, store, limits, cim, server, .. } = self;
        let mut config = Config::default();
        (config.http, config.tcp, config.admin) = (listen.http, listen.tcp, listen.admin);
        let Tls { cert, key } = listen.tls.clone();
        config.tls = cert.zip(key).map(|(cert, key)| TlsFiles { cert, key });
        config.allow_plaintext = listen.allow_plaintext;
        (config.cim, config.cim_http, config.advertise) = (cim.mode, cim.http, cim.advertise);
        (config.terms.ping_after, config.terms.silence) = (liveness.ping_after.to_std(), liveness.silence.to_std());
        (config.slow_after, config.login_within) = (liveness.slow_after.to_std(), liveness.login_within.to_std());
        config.cim_from.clone_from(&cim.from);
        config.connections = limits.max_connections;
        config.name.clone_from(&server.name);
        let retention = &mut config.retention;
        (retention.age, retention.records, retention.bytes) =
            (store.keep_for.to_std(), store.keep_messages, store.keep_bytes);
        limits.set.open(&mut config);
        if let Some(Pace(pace)) = limits.pace {
            config.pace = pace;
            if pace.is_none() {
                config.guard.inbound = None;
            }
        }
        if let Some(Logins(logins)) = limits.logins {
            config.guard.logins_of_device = logins;
        }
        if let Some(devices) = limits.devices {
            config.guard.devices_of_user = devices;
        }
        config
    }

    /// Opens where everything is kept.
    ///
    /// # Errors
    /// It can't be opened, or another process has it.
    pub(crate) fn open_store(&self) -> io::Result<Arc<dyn Store>> {
        if self.store.memory {
            return Ok(Memory::new());
        }
        Ok(Redb::open(&self.store.data, Options::default()).map_err(io::Error::other)?)
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
        assert_eq!(config("--devices 3").guard.devices_of_user, 3);
        assert_eq!(config("--logins-per-minute off").guard.logins_of_device, None);
        assert_eq!(config("--logins-per-minute 7").guard.logins_of_device.map(|limit| limit.logins), Some(7));
        assert_eq!(config("--cim-from 10.0.0.0/8,fd00::/8").cim_from.len(), 2);
        assert!(config("--limits bench --pace 20").pace.is_some(), "what was asked for itself wins");
    }
}
