//! Tokens: whose are taken beside the server's own.

use super::super::value::{optional, path, switch};
use super::{Key, Kind, ROW, Reload, put};

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "tokens.keys",
        flag: Some("token-keys"),
        form: "FILE",
        about: "Take JWTs signed with these public keys too, a JWK Set; whoever has their private halves can be any user. \
                The file is read again at SIGHUP",
        reload: Reload::UnlessToggled,
        set: |to, text| put(&mut to.tokens.keys, optional(text, path)),
        ..ROW
    },
    Key {
        name: "tokens.audience",
        flag: Some("token-audience"),
        about: "What `aud` of such a JWT must say: this server, as its issuer calls it",
        reload: Reload::UnlessToggled,
        set: |to, text| put(&mut to.tokens.audience, Ok(text.to_owned())),
        ..ROW
    },
    Key {
        name: "tokens.issuer",
        flag: Some("token-issuer"),
        about: "What `iss` of such a JWT must say; default: anything",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.tokens.issuer, optional(text, |text| Ok(text.to_owned()))),
        ..ROW
    },
    Key {
        name: "tokens.create_users",
        flag: Some("token-create-users"),
        kind: Kind::Switch,
        form: "true|false",
        default: "true",
        about: "Whether the first JWT of a user who is not known makes him, without a password; else it is refused",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.tokens.create_users, switch(text)),
        ..ROW
    },
];
