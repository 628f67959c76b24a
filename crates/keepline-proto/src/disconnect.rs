//! Disconnect: the one table of why a connection ended, whose doing it was, and whether to come back.

use core::fmt;

use crate::Duration;

/// The group of a row: whose doing the end of a connection was, as its server sees it.
///
/// It is a property of the [`Reason`], not of who reports it, so that the rows of both ends can be counted together. A
/// client reads it so:
///
/// | Side | at a server | at a client |
/// |---|---|---|
/// | `Client`, `bye` | the client said goodbye | this client closed the line |
/// | `Client`, `peer_closed` and `reset` | the client's process or kernel ended it | the **server's** did, as when it is killed |
/// | `Network` | the path, or silence on it | the same |
/// | `Server` | a rule or a failure of this server | the server's word in a goodbye, or this client's own rule or failure, as over bytes that are no frame |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends and a network between them")]
pub enum Side {
    /// At a server: the client, its process or its kernel ended it.
    Client,
    /// Nobody meant it: the path between the two, or the silence on it.
    Network,
    /// At a server: a rule or a failure of its own ended it.
    Server,
}

/// What a client does after a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three answers to: shall I come back?")]
pub enum Reconnect {
    /// Come back, paced by the backoff.
    Yes,
    /// Do not come back by yourself: nothing would be different.
    No,
    /// Come back, but not before this much time is over.
    After(Duration),
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $name:literal, $side:ident, $reconnect:expr;)+) => {
        /// Why a connection ended: one row of the table, the same in code, log, metric, API and client.
        ///
        /// The codes are stable. 1000-1099 are the client's, 1100-1199 the network's, 1200-1299 the server's, all as
        /// the server sees it; [`Side`] says how to read them at a client.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum Reason { $($(#[doc = $doc])+ $variant = $code,)+ }

        impl Reason {
            /// Every reason, in the order of the codes.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in logs, metrics, APIs and JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The row's group, the same at both ends: see [`Side`] for what it means at a client.
            #[must_use]
            pub const fn side(self) -> Side {
                match self { $(Self::$variant => Side::$side,)+ }
            }

            /// Whether a client should come back.
            #[must_use]
            pub const fn reconnect(self) -> Reconnect {
                match self { $(Self::$variant => $reconnect,)+ }
            }
        }
    };
}

use Reconnect::{After, No, Yes};

reasons! {
    /// The client said goodbye; at a client, it closed the line itself.
    Bye = 1000, "bye", Client, No;
    /// The peer closed the connection in order (FIN), as a process does that ends.
    PeerClosed = 1001, "peer_closed", Client, Yes;
    /// The peer's kernel refused more (RST).
    Reset = 1002, "reset", Client, Yes;

    /// The socket failed in another way.
    IoError = 1100, "io_error", Network, Yes;
    /// The TLS session could not be made, or broke.
    TlsError = 1101, "tls_error", Network, Yes;
    /// No sign of life in the time agreed, or the kernel's own time-out (ETIMEDOUT).
    Silent = 1102, "silent", Network, Yes;

    /// The handshake was not done before its absolute deadline.
    HandshakeTimeout = 1200, "handshake_timeout", Server, Yes;
    /// No first frame came before its deadline.
    FirstFrameTimeout = 1201, "first_frame_timeout", Server, Yes;
    /// A frame once begun did not arrive in its time.
    FrameTimeout = 1202, "frame_timeout", Server, Yes;
    /// Credentials were refused.
    AuthFailed = 1203, "auth_failed", Server, No;
    /// Alive, but nothing was asked of it for too long.
    Idle = 1204, "idle", Server, Yes;
    /// The connection reached its greatest age.
    MaxAge = 1205, "max_age", Server, Yes;
    /// An operator ended it.
    Kicked = 1206, "kicked", Server, No;
    /// A newer login of the same device took its place.
    Replaced = 1207, "replaced", Server, No;
    /// The peer took its messages too slowly.
    SlowConsumer = 1208, "slow_consumer", Server, Yes;
    /// Too many messages in too little time.
    RateLimited = 1209, "rate_limited", Server, After(Duration::from_secs(30));
    /// Too many pings in too little time.
    TooManyPings = 1210, "too_many_pings", Server, After(Duration::from_secs(30));
    /// A frame was larger than allowed.
    TooLarge = 1211, "too_large", Server, No;
    /// Bytes that are no frame of this protocol.
    ProtocolError = 1212, "protocol_error", Server, No;
    /// The server has no room for another connection.
    ServerFull = 1213, "server_full", Server, After(Duration::from_secs(5));
    /// The server is about to stop.
    Draining = 1214, "draining", Server, Yes;
    /// The server failed.
    ServerError = 1215, "server_error", Server, Yes;
    /// The user has as many devices logged in as he may: one of them has to go first.
    TooManyDevices = 1216, "too_many_devices", Server, No;
}

impl Reason {
    /// The stable number of the row.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The row with this number.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl Side {
    /// The name in logs, metrics, APIs and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Network => "network",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_own_code_and_name_and_the_range_tells_the_side() {
        for (i, reason) in Reason::ALL.iter().enumerate() {
            let side = match reason.code() {
                1000..=1099 => Side::Client,
                1100..=1199 => Side::Network,
                1200..=1299 => Side::Server,
                other => panic!("{reason} has code {other} outside of every range"),
            };
            assert_eq!(reason.side(), side, "{reason}");
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
            for other in &Reason::ALL[i + 1..] {
                assert_ne!(reason.name(), other.name());
                assert!(reason.code() < other.code(), "codes ascend");
            }
        }
        assert_eq!(Reason::from_code(0), None);
    }

    #[test]
    fn the_names_are_those_of_the_published_table() {
        let names: Vec<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(
            names.join(" "),
            "bye peer_closed reset io_error tls_error silent handshake_timeout first_frame_timeout frame_timeout \
             auth_failed idle max_age kicked replaced slow_consumer rate_limited too_many_pings too_large \
             protocol_error server_full draining server_error too_many_devices"
        );
    }
}
