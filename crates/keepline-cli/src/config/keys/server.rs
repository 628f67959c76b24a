//! Keys of cim's dialects, of the process, of the admin listener and of the log.

use super::super::value::{
    address_or_off, cim, filter, ip, log_format, networks, optional, rate, secret, switch, workers,
};
use super::{Key, Kind, ROW, Reload, put};

pub(super) const KEYS: &[Key] = &[
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
        name: "cim.tickets",
        kind: Kind::Switch,
        form: "true|false",
        about: "Whether a user of cim's connects only after /login: within a minute, from the same address, and once. \
                Default: true",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.cim.tickets, optional(text, switch)),
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
        reload: Reload::AtHangup,
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
        reload: Reload::AtHangup,
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
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.log.rate, rate(text)),
        ..ROW
    },
];
