//! Comeback: cim's testReconnect, with a client that receives afterwards, and offLineAndOnline.

use super::in_each_dialect;
use super::user::Way::Any;

#[test]
fn clients_of_a_killed_server_come_back_and_receive() {
    in_each_dialect(|server, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        let two = peer.enter("zs", dialect);
        server.kill();
        for user in [&one, &two] {
            peer.wait_for_state(user, "closed");
            peer.next(user, "attempt");
        }
        server.start_again();
        for user in [&one, &two] {
            peer.wait_until_ready(user);
        }
        peer.group(&two, "to everyone");
        peer.expect(&one, &two, "to everyone", Any);
        peer.p2p(&two, &one, "to you", "9000");
        peer.expect(&one, &two, "to you", Any);
        peer.p2p(&one, &two, "and back", "9000");
        peer.expect(&two, &one, "and back", Any);
        peer.assert_online(&one, &[&one, &two]);
        peer.finish();
    });
}

#[test]
fn a_user_who_closed_logs_in_again_and_receives() {
    in_each_dialect(|_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        let two = peer.enter("zs", dialect);
        peer.close(&two);
        peer.assert_online(&one, &[&one]);
        let two = peer.again(&two);
        peer.login(&two);
        peer.assert_online(&one, &[&one, &two]);
        peer.group(&one, "welcome back");
        peer.expect(&two, &one, "welcome back", Any);
        peer.finish();
    });
}
