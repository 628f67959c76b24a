//! Keys of where the server listens, and of when a line is given up.

use super::super::value::{address, address_or_off, networks, optional, path, switch, term};
use super::{Key, Kind, ROW, Reload, put};

pub(super) const KEYS: &[Key] = &[
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
        name: "listen.proxy_protocol",
        flag: Some("proxy-protocol"),
        form: "NETWORKS",
        about: "Where a long connection comes from these networks, as 10.0.0.0/8,fd00::/8, take the client's address from \
                the header of the PROXY protocol, version 1 or 2, that it has to begin with",
        set: |to, text| put(&mut to.listen.proxy_protocol, networks(text)),
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
        reload: Reload::UnlessToggled,
        set: |to, text| put(&mut to.listen.tls.cert, optional(text, path)),
        ..ROW
    },
    Key {
        name: "listen.tls.key",
        flag: Some("tls-key"),
        form: "FILE",
        about: "The key of that certificate in PEM; not readable by everybody",
        reload: Reload::UnlessToggled,
        set: |to, text| put(&mut to.listen.tls.key, optional(text, path)),
        ..ROW
    },
    Key {
        name: "http.trusted_proxies",
        flag: Some("trusted-proxies"),
        form: "NETWORKS",
        about: "Take a client's address of HTTP from X-Forwarded-For where a request comes from these networks, as \
                10.0.0.0/8,fd00::/8: the right-most address that is in none of them",
        set: |to, text| put(&mut to.http.trusted_proxies, networks(text)),
        ..ROW
    },
    Key {
        name: "liveness.ping_after",
        flag: Some("ping-after"),
        form: "TIME",
        default: "25s",
        about: "Clients ping after so much quiet",
        set: |to, text| put(&mut to.liveness.ping_after, term(text)),
        ..ROW
    },
    Key {
        name: "liveness.silence",
        flag: Some("silence"),
        form: "TIME",
        default: "60s",
        about: "End a line from which nothing came for this long; at least twice --ping-after",
        set: |to, text| put(&mut to.liveness.silence, term(text)),
        ..ROW
    },
    Key {
        name: "liveness.slow_after",
        flag: Some("slow-after"),
        form: "TIME",
        default: "30s",
        about: "End a line whose client has not taken what was sent to it for this long",
        set: |to, text| put(&mut to.liveness.slow_after, term(text)),
        ..ROW
    },
    Key {
        name: "liveness.login_within",
        flag: Some("login-within"),
        form: "TIME",
        default: "10s",
        about: "End a line that is not logged in so long after it was accepted",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.liveness.login_within, term(text)),
        ..ROW
    },
    Key {
        name: "liveness.drain",
        flag: Some("drain"),
        form: "TIME",
        default: "1s",
        about: "When stopping, close the lines evenly over this time, so that their next server is not stormed",
        reload: Reload::AtHangup,
        set: |to, text| put(&mut to.liveness.drain, term(text)),
        ..ROW
    },
];
