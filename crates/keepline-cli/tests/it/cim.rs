//! cim: its own clients, as our Java peer plays them, and its own eight integration scenarios against `keepline serve`.
//!
//! cim's tests, and ours: `groupChat` and `testP2PChat` are in `chat`; `testReconnect` and `offLineAndOnline` in
//! `comeback`; `testP2POfflineChatRedis` and `testP2POfflineChatMysql` in `stored`, where the second kind of store is
//! the same one after a `kill -9`; `testClose` and `testIncorrectUser` in `entry`. Each runs once for each dialect.

mod chat;
mod comeback;
mod cut;
mod entry;
mod flaws;
mod frames;
mod peer;
mod server;
mod stored;
mod talk;
mod user;

use crate::harness::Java;
use peer::Peer;
use server::Server;
use user::{DIALECTS, Dialect};

/// Short times in the place of cim's seconds.
const QUICK: &str = "--fetch-after-ms 200 --backoff-ms 100..300 --retry-every-ms 500 --seed 1";

/// Runs a scenario once for each dialect, each time with a new server and a new process of clients.
#[track_caller]
fn in_each_dialect(scenario: impl Fn(&mut Server<'_>, Peer, Dialect)) {
    in_each_dialect_with(QUICK, scenario);
}

/// As `in_each_dialect`, with other flags of the clients.
#[track_caller]
fn in_each_dialect_with(flags: &str, scenario: impl Fn(&mut Server<'_>, Peer, Dialect)) {
    in_each_dialect_on("default", flags, scenario);
}

/// As `in_each_dialect`, for users who send faster than they may.
#[track_caller]
fn in_each_dialect_unlimited(scenario: impl Fn(&mut Server<'_>, Peer, Dialect)) {
    in_each_dialect_on("bench", QUICK, scenario);
}

#[track_caller]
fn in_each_dialect_on(limits: &'static str, flags: &str, scenario: impl Fn(&mut Server<'_>, Peer, Dialect)) {
    let Some(java) = Java::open() else { return };
    for dialect in DIALECTS {
        println!("in dialect {dialect:?}");
        let mut server = Server::start(limits);
        let peer = Peer::start(&java, &server, flags);
        scenario(&mut server, peer, dialect);
    }
}
