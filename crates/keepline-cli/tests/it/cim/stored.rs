//! Stored: cim's testP2POfflineChatRedis and testP2POfflineChatMysql: what was sent to a user who was not there.

use std::thread;
use std::time::Instant;

use super::in_each_dialect;
use super::peer::Peer;
use super::server::Server;
use super::user::Way::{Any, Stored};
use super::user::{Dialect, User};
use crate::harness::{PATIENCE, ms};

/// Sends to a user who has closed, lets something happen, and expects it all when that user is back.
#[track_caller]
fn messages_wait_for(mut peer: Peer, dialect: Dialect, meanwhile: impl FnOnce(&mut Peer, &User)) {
    let one = peer.enter("crossover", dialect);
    let three = peer.enter("cj", dialect);
    peer.close(&three);
    peer.p2p(&one, &three, "offline message", "7000");
    peer.batch(&one, &three, &["a", "b", "c"], "7000");
    meanwhile(&mut peer, &one);
    let three = peer.again(&three);
    peer.login(&three);
    for text in ["offline message", "a", "b", "c"] {
        peer.expect(&three, &one, text, Stored);
    }
    peer.wait_for_fetch(&three);
    // It is not stored any more, and the user is there again.
    peer.p2p(&one, &three, "live again", "9000");
    peer.expect(&three, &one, "live again", Any);
    comes_once_it_is_noted(&mut peer, &one, three, &["offline message", "a", "b", "c", "live again"]);
    peer.finish();
}

/// A client of cim acknowledges nothing. What it had just before it left comes again, then, and in its order; what it
/// had a while before does not: logs in again until that is so.
#[track_caller]
fn comes_once_it_is_noted(peer: &mut Peer, from: &User, mut to: User, had: &[&str]) {
    let mut had: Vec<String> = had.iter().map(ToString::to_string).collect();
    let by = Instant::now() + PATIENCE;
    loop {
        thread::sleep(ms(100));
        peer.close(&to);
        to = peer.again(&to);
        peer.login(&to);
        // What is left of this conversation comes before the next message of it.
        let last = format!("after {}", had.len());
        peer.p2p(from, &to, &last, "9000");
        had.push(last);
        let mut came = Vec::new();
        while came.last() != had.last() {
            came.push(peer.hear(&to, from));
        }
        assert!(had.ends_with(&came), "{came:?} has come again after {had:?}");
        if came.len() == 1 {
            return;
        }
        assert!(Instant::now() < by, "it comes again for ever");
    }
}

#[test]
fn messages_wait_for_their_receiver() {
    in_each_dialect(|_, peer, dialect| messages_wait_for(peer, dialect, |_, _| {}));
}

#[test]
fn messages_wait_for_their_receiver_through_a_kill() {
    in_each_dialect(|server: &mut Server<'_>, peer, dialect| {
        messages_wait_for(peer, dialect, |peer, one| {
            server.kill();
            peer.wait_for_state(one, "closed");
            server.start_again();
            peer.wait_until_ready(one);
        });
    });
}
