//! Keys of what is kept, and for how long.

use super::super::value::{folder, switch};
use super::{Key, Kind, ROW, Reload, put};
use crate::quantity::{bytes, duration, whole};

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "store.data",
        flag: Some("data"),
        form: "DIR",
        default: "keepline-data",
        about: "Where everything is kept",
        excludes: Some("memory"),
        set: |to, text| put(&mut to.store.data, folder(text)),
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
        reload: Reload::AtHangup,
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
        reload: Reload::AtHangup,
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
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.store.keep_bytes, bytes(text)),
        ..ROW
    },
];
