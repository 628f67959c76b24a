//! Keys of what clients may take.

use super::super::limit::{byte_rate, count, percent, rate, some, strikes};
use super::super::value::{limits, logins, optional, pace, switch};
use super::{Key, Kind, ROW, Reload, put};
use crate::quantity::{bytes, whole};

pub(super) const KEYS: &[Key] = &[
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
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.pace, optional(text, pace)),
        ..ROW
    },
    Key {
        name: "limits.logins_per_minute",
        flag: Some("logins-per-minute"),
        kind: Kind::Size,
        form: "N|off",
        about: "Logins of one device within a minute; more are told when to come. Default: 15",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.logins, optional(text, logins)),
        ..ROW
    },
    Key {
        name: "limits.devices",
        flag: Some("devices"),
        kind: Kind::Number,
        form: "N",
        about: "Live sessions of one user; a further device is refused. Default: 8",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.devices, optional(text, some)),
        ..ROW
    },
    Key {
        name: "limits.sign_ups",
        flag: Some("sign-ups"),
        kind: Kind::Switch,
        form: "true|false",
        default: "true",
        about: "Whether anybody may make himself an account; else the operator makes them, by the admin listener's POST \
                /accounts",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.sign_ups, switch(text)),
        ..ROW
    },
    Key {
        name: "limits.max_connections",
        flag: Some("max-connections"),
        kind: Kind::Number,
        form: "N",
        about: "Long connections at one time; default: the limit of open files less 256, and less what HTTP may take \
                (1344, or a quarter of the rest where that is less)",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.max_connections, optional(text, whole)),
        ..ROW
    },
    Key {
        name: "limits.max_memory",
        flag: Some("max-memory"),
        kind: Kind::Size,
        form: "SIZE",
        about: "Memory of the server: at 80 % no new lines are taken, at 90 % the slowest are dropped, at 95 % messages \
                are refused; default: what its control groups allow, which counts in any case",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.max_memory, optional(text, bytes)),
        ..ROW
    },
    Key {
        name: "limits.everyone",
        form: "N/s burst N|off",
        about: "Messages of all users together to everyone who is online; more is refused. Default: 50/s burst 250",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.everyone, optional(text, rate)),
        ..ROW
    },
    Key {
        name: "limits.bytes",
        form: "SIZE/s burst SIZE for TIME|off",
        about: "Bytes that a client may send over its line: more is read later, and who goes on for the time is closed. \
                Default: 256KiB/s burst 512KiB for 30s",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.bytes, optional(text, byte_rate)),
        ..ROW
    },
    Key {
        name: "limits.unauthenticated_percent",
        kind: Kind::Number,
        form: "N",
        about: "Lines that are not logged in, of a hundred that the server takes, and at least 64; 100 for no limit of \
                their own. Default: 10",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.unauthenticated_percent, optional(text, percent)),
        ..ROW
    },
    Key {
        name: "limits.unauthenticated_per_address",
        kind: Kind::Size,
        form: "N|off",
        about: "The same of one address: an IPv4 address, or the first 64 bits of an IPv6 one. Default: 64",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.unauthenticated_per_address, optional(text, count)),
        ..ROW
    },
    Key {
        name: "limits.new_per_address",
        form: "N/s burst N|off",
        about: "New lines of one address; more are closed. Default: 20/s burst 50",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.new_per_address, optional(text, rate)),
        ..ROW
    },
    Key {
        name: "limits.accepts",
        form: "N/s burst N|off",
        about: "Long connections accepted of all addresses; more wait in the backlog. Default: 1000/s burst 100",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.accepts, optional(text, rate)),
        ..ROW
    },
    Key {
        name: "limits.failures_of_user",
        form: "N in TIME ban TIME|off",
        about: "Wrong passwords of one user from one address, and how long none is looked at then. \
                Default: 5 in 1m ban 5m",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.failures_of_user, optional(text, strikes)),
        ..ROW
    },
    Key {
        name: "limits.failures_of_address",
        form: "N in TIME ban TIME|off",
        about: "Wrong passwords and tokens from one address, and how long none is looked at then. \
                Default: 30 in 1m ban 5m",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.limits.failures_of_address, optional(text, strikes)),
        ..ROW
    },
];
