//! Stored: cim's testP2POfflineChatRedis and testP2POfflineChatMysql: what was sent to a user who was not there.

use super::in_each_dialect;
use super::peer::Peer;
use super::server::Server;
use super::user::Way::{Any, Stored};
use super::user::{Dialect, User};

/// Sends to a user who has closed, lets something happen, and expects it all when that user is back; once.
#[track_caller]
fn messages_wait_for<'a>(
    server: &mut Server<'a>,
    mut peer: Peer,
    dialect: Dialect,
    meanwhile: impl FnOnce(&mut Server<'a>, &mut Peer, &User),
) {
    let one = peer.enter("crossover", dialect);
    let three = peer.enter("cj", dialect);
    peer.close(&three);
    peer.p2p(&one, &three, "offline message", "7000");
    peer.batch(&one, &three, &["a", "b", "c"], "7000");
    meanwhile(server, &mut peer, &one);
    let three = peer.again(&three);
    peer.login(&three);
    for text in ["offline message", "a", "b", "c"] {
        peer.expect(&three, &one, text, Stored);
    }
    peer.wait_for_fetch(&three);
    // It is not stored any more, and the user is there again.
    peer.p2p(&one, &three, "live again", "9000");
    peer.expect(&three, &one, "live again", Any);
    // A client of cim acknowledges nothing: what its kernel has counts, and what counts does not come again.
    server.wait_until_all_arrived();
    peer.close(&three);
    let three = peer.again(&three);
    peer.login(&three);
    // What is left of this conversation would come before the next message of it.
    peer.p2p(&one, &three, "and nothing before this", "9000");
    assert_eq!(peer.hear(&three, &one), "and nothing before this");
    peer.finish();
}

#[test]
fn messages_wait_for_their_receiver() {
    in_each_dialect(|server, peer, dialect| messages_wait_for(server, peer, dialect, |_, _, _| {}));
}

#[test]
fn messages_wait_for_their_receiver_through_a_kill() {
    in_each_dialect(|server, peer, dialect| {
        messages_wait_for(server, peer, dialect, |server, peer, one| {
            server.kill();
            peer.wait_for_state(one, "closed");
            server.start_again();
            peer.wait_until_ready(one);
        });
    });
}
