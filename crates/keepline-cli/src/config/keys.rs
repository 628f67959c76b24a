//! Keys: every setting of the server in one table: how it is called, what it takes, and where it goes.

use std::fmt;
use std::path::PathBuf;

use super::settings::Settings;
use super::value::{
    address, address_or_off, cim, filter, ip, limits, log_format, logins, networks, optional, pace, path, rate, secret,
    switch, workers,
};
use crate::args::{bytes, duration, whole};

/// One setting.
#[derive(Debug)]
pub(crate) struct Key {
    /// With its section: `listen.http`. The variable is made of it.
    pub(crate) name: &'static str,
    /// Without its dashes; none for what is not to be seen in a list of processes.
    pub(crate) flag: Option<&'static str>,
    pub(crate) kind: Kind,
    /// What its value looks like.
    pub(crate) form: &'static str,
    /// As a text, empty for none.
    pub(crate) default: &'static str,
    /// Without a full stop.
    pub(crate) about: &'static str,
    /// Is it read again at SIGHUP.
    pub(crate) reload: bool,
    /// Its value is shown to nobody.
    pub(crate) secret: bool,
    /// The flag beside which its own makes no sense.
    pub(crate) excludes: Option<&'static str>,
    /// Puts it in its place, or says what to write instead.
    pub(crate) set: fn(&mut Settings, &str) -> Result<(), String>,
}

/// What a value is in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    /// A number, or a text with a unit or a word.
    Size,
    Switch,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text, in quotes",
            Self::Number => "a whole number",
            Self::Size => "a whole number or a text",
            Self::Switch => "true or false",
        })
    }
}

/// A row that most are like: a text with a flag.
const ROW: Key = Key {
    name: "",
    flag: None,
    kind: Kind::Text,
    form: "TEXT",
    default: "",
    about: "",
    reload: false,
    secret: false,
    excludes: None,
    set: |_, _| Ok(()),
};

fn put<T>(place: &mut T, read: Result<T, String>) -> Result<(), String> {
    *place = read?;
    Ok(())
}

/// All of them, by section.
pub(crate) static KEYS: &[Key] = &[
    Key {
        name: "listen.http",
        flag: Some("http"),
        form: "IP:PORT",
        default: "127.0.0.1:8083",
        about: "Where HTTP is served; port 0 takes a free one",
        set: |to, text| put(&mut to.listen.http, address(text)),
        ..ROW
    },
    Key {
        name: "listen.tcp",
        flag: Some("tcp"),
        form: "IP:PORT",
        default: "127.0.0.1:11211",
        about: "Where the long connections come in",
        set: |to, text| put(&mut to.listen.tcp, address(text)),
        ..ROW
    },
    Key {
        name: "listen.allow_plaintext",
        flag: Some("allow-plaintext"),
        kind: Kind::Switch,
        form: "true|false",
        default: "false",
        about: "Let HTTP and long connections beyond loopback be plaintext, as where something in front ends TLS",
        set: |to, text| put(&mut to.listen.allow_plaintext, switch(text)),
        ..ROW
    },
    Key {
        name: "listen.admin",
        flag: Some("admin"),
        form: "IP:PORT|off",
        default: "127.0.0.1:8084",
        about: "Where health, metrics, sessions and backup are served: loopback only",
        set: |to, text| put(&mut to.listen.admin, address_or_off(text)),
        ..ROW
    },
    Key {
        name: "listen.tls.cert",
        flag: Some("tls-cert"),
        form: "FILE",
        about: "The certificate chain in PEM that HTTP and the long connections show; without one they are plaintext. \
                Read again at SIGHUP and when the file changes",
        reload: true,
        set: |to, text| put(&mut to.listen.tls.cert, optional(text, path)),
        ..ROW
    },
    Key {
        name: "listen.tls.key",
        flag: Some("tls-key"),
        form: "FILE",
        about: "The key of that certificate in PEM; not readable by everybody",
        reload: true,
        set: |to, text| put(&mut to.listen.tls.key, optional(text, path)),
        ..ROW
    },
    Key {
        name: "liveness.ping_after",
        flag: Some("ping-after"),
        form: "TIME",
        default: "25s",
        about: "Clients ping after so much quiet",
        set: |to, text| put(&mut to.liveness.ping_after, duration(text)),
        ..ROW
    },
    Key {
        name: "liveness.silence",
        flag: Some("silence"),
        form: "TIME",
        default: "60s",
        about: "End a line from which nothing came for this long; at least twice --ping-after",
        set: |to, text| put(&mut to.liveness.silence, duration(text)),
        ..ROW
    },
    Key {
        name: "liveness.slow_after",
        flag: Some("slow-after"),
        form: "TIME",
        default: "30s",
        about: "End a line whose client has not taken what was sent to it for this long",
        set: |to, text| put(&mut to.liveness.slow_after, duration(text)),
        ..ROW
    },
    Key {
        name: "liveness.login_within",
        flag: Some("login-within"),
        form: "TIME",
        default: "10s",
        about: "End a line that is not logged in so long after it was accepted",
        set: |to, text| put(&mut to.liveness.login_within, duration(text)),
        ..ROW
    },
    Key {
        name: "liveness.drain",
        flag: Some("drain"),
        form: "TIME",
        default: "1s",
        about: "When stopping, close the lines evenly over this time, so that their next server is not stormed",
        set: |to, text| put(&mut to.liveness.drain, duration(text)),
        ..ROW
    },
    Key {
        name: "store.data",
        flag: Some("data"),
        form: "DIR",
        default: "keepline-data",
        about: "Where everything is kept",
        excludes: Some("memory"),
        set: |to, text| put(&mut to.store.data, Ok(PathBuf::from(text))),
        ..ROW
    },
    Key {
        name: "store.memory",
        flag: Some("memory"),
        kind: Kind::Switch,
        form: "true|false",
        default: "false",
        about: "Keep everything in memory: it is gone with the process",
        set: |to, text| put(&mut to.store.memory, switch(text)),
        ..ROW
    },
    Key {
        name: "store.keep_for",
        flag: Some("keep-for"),
        form: "TIME",
        default: "30d",
        about: "Drop messages that are older, whoever has not read them; their conversation tells of the gap",
        set: |to, text| put(&mut to.store.keep_for, duration(text)),
        ..ROW
    },
    Key {
        name: "store.keep_messages",
        flag: Some("keep-messages"),
        kind: Kind::Number,
        form: "N",
        default: "100000",
        about: "Keep so many messages of each conversation, the newest",
        set: |to, text| put(&mut to.store.keep_messages, whole(text)),
        ..ROW
    },
    Key {
        name: "store.keep_bytes",
        flag: Some("keep-bytes"),
        kind: Kind::Size,
        form: "SIZE",
        default: "256MiB",
        about: "Keep so much of each conversation, the newest, and at least one message",
        set: |to, text| put(&mut to.store.keep_bytes, bytes(text)),
        ..ROW
    },
    Key {
        name: "limits.set",
        flag: Some("limits"),
        form: "default|proxied|bench",
        default: "default",
        about: "What clients are allowed; proxied has no limits of an address, as behind a proxy all clients have one, and \
                bench is for benchmarks and protects nobody",
        set: |to, text| put(&mut to.limits.set, limits(text)),
        ..ROW
    },
    Key {
        name: "limits.pace",
        flag: Some("pace"),
        kind: Kind::Size,
        form: "N|off",
        about: "Messages a second of one user, with five times as many at once after a rest: over a line more is read \
                later, by HTTP more is refused. Default: 20",
        set: |to, text| put(&mut to.limits.pace, optional(text, pace)),
        ..ROW
    },
    Key {
        name: "limits.logins_per_minute",
        flag: Some("logins-per-minute"),
        kind: Kind::Size,
        form: "N|off",
        about: "Logins of one device within a minute; more are told when to come. Default: 15",
        set: |to, text| put(&mut to.limits.logins, optional(text, logins)),
        ..ROW
    },
    Key {
        name: "limits.devices",
        flag: Some("devices"),
        kind: Kind::Number,
        form: "N",
        about: "Live sessions of one user; a further device is refused. Default: 8",
        set: |to, text| put(&mut to.limits.devices, optional(text, whole)),
        ..ROW
    },
    Key {
        name: "limits.max_connections",
        flag: Some("max-connections"),
        kind: Kind::Number,
        form: "N",
        about: "Long connections at one time; default: the limit of open files less 256, and less what HTTP may take \
                (1344, or a quarter of the rest where that is less)",
        set: |to, text| put(&mut to.limits.max_connections, optional(text, whole)),
        ..ROW
    },
    Key {
        name: "cim.mode",
        flag: Some("cim"),
        form: "auto|on|off",
        default: "auto",
        about: "Whether cim's clients are served, who have no password: those on this machine and those of --cim-from. \
                Auto is while --http and --tcp are on loopback, or with --cim-from",
        set: |to, text| put(&mut to.cim.mode, cim(text)),
        ..ROW
    },
    Key {
        name: "cim.from",
        flag: Some("cim-from"),
        form: "NETWORKS",
        about: "Serve cim's clients of these networks too, as 10.0.0.0/8,fd00::/8; whoever is there can be any of them",
        set: |to, text| put(&mut to.cim.from, networks(text)),
        ..ROW
    },
    Key {
        name: "cim.http",
        flag: Some("cim-http"),
        form: "IP:PORT|off",
        default: "127.0.0.1:8081",
        about: "Where cim's /sendMsg is served, while its dialects are on: loopback only",
        set: |to, text| put(&mut to.cim.http, address_or_off(text)),
        ..ROW
    },
    Key {
        name: "cim.advertise",
        flag: Some("advertise"),
        form: "IP",
        about: "The address that cim's clients are told to connect to; default: the one they asked at",
        set: |to, text| put(&mut to.cim.advertise, optional(text, ip)),
        ..ROW
    },
    Key {
        name: "server.name",
        flag: Some("name"),
        form: "NAME",
        default: "keepline",
        about: "The server's name, as its clients hear it: 1 to 64 bytes",
        set: |to, text| put(&mut to.server.name, Ok(text.to_owned())),
        ..ROW
    },
    Key {
        name: "server.workers",
        flag: Some("workers"),
        kind: Kind::Number,
        form: "N",
        about: "Threads that serve; default: one a core",
        set: |to, text| put(&mut to.server.workers, optional(text, workers)),
        ..ROW
    },
    Key {
        name: "admin.token",
        form: "TOKEN",
        about: "What the admin listener asks for, instead of the token that is made at the first start",
        secret: true,
        set: |to, text| put(&mut to.admin.token, optional(text, secret)),
        ..ROW
    },
    Key {
        name: "log.format",
        flag: Some("log-format"),
        form: "text|json",
        default: "text",
        about: "How the log on stderr is written: for people, or one object a line",
        set: |to, text| put(&mut to.log.format, log_format(text)),
        ..ROW
    },
    Key {
        name: "log.filter",
        flag: Some("log-filter"),
        form: "LEVELS",
        default: "warn",
        about: "What is logged, as info or warn,keepline_server=debug; RUST_LOG is read too",
        reload: true,
        set: |to, text| put(&mut to.log.filter, filter(text)),
        ..ROW
    },
    Key {
        name: "log.rate",
        flag: Some("log-rate"),
        kind: Kind::Size,
        form: "N|off",
        default: "10",
        about: "Lines a second that are logged of one kind, a place in the code with its reason; more are counted",
        set: |to, text| put(&mut to.log.rate, rate(text)),
        ..ROW
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_key_is_one_and_its_default_works() {
        let mut settings = Settings::default();
        let names: HashSet<_> = KEYS.iter().map(|key| key.name).collect();
        let flags: HashSet<_> = KEYS.iter().filter_map(|key| key.flag).collect();
        assert_eq!((names.len(), flags.len()), (KEYS.len(), KEYS.iter().filter(|key| key.flag.is_some()).count()));
        for key in KEYS {
            assert_eq!((key.set)(&mut settings, key.default), Ok(()), "{}", key.name);
            assert!(key.name.contains('.') && !key.about.ends_with('.') && !key.about.is_empty(), "{}", key.name);
            assert!(!key.secret || key.flag.is_none(), "{}: a flag is seen by everybody on the machine", key.name);
        }
    }
}
