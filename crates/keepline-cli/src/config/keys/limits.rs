//! Keys of what clients may take.

use super::super::value::{limits, logins, optional, pace};
use super::{Key, Kind, ROW, put};
use crate::args::whole;

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
];
