//! Entry: cim's testClose and testIncorrectUser.

use super::in_each_dialect;
use super::user::Way::{Any, Stored};

#[test]
fn a_closed_client_is_offline_and_stays_closed() {
    in_each_dialect(|_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        let two = peer.enter("zs", dialect);
        peer.close(&two);
        peer.assert_online(&one, &[&one]);
        // Neither way of sending finds it. Both are kept, which cim does for the first alone.
        peer.p2p(&one, &two, "later", "7000");
        peer.group(&one, "to everyone");
        let again = peer.again(&two);
        peer.login(&again);
        peer.expect_all(&again, Stored, &[&[(&one, "later")], &[(&one, "to everyone")]]);
        peer.wait_for_fetch(&again);
        peer.p2p(&one, &again, "now to you", "9000");
        peer.expect(&again, &one, "now to you", Any);
        let told = peer.finish();
        assert!(!told.iter().any(|event| event["event"] == "attempt"), "a closed client came back: {told:#?}");
    });
}

#[test]
fn a_user_who_is_not_registered_or_has_another_name_is_refused() {
    in_each_dialect(|_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        for (id, name) in [(one.id + 1_000_000, "nobody"), (one.id, "zs")] {
            let stranger = peer.stranger(id, name, dialect);
            let reply = peer.call(&stranger, &format!("login {id} {name}"), "/login", "9100");
            assert!(reply["body"].is_null(), "{reply}");
            peer.next(&stranger, "fatal");
        }
        // Nobody has come in, and nobody was put out.
        peer.assert_online(&one, &[&one]);
        // Closing what never was in is no error.
        let stranger = peer.stranger(one.id + 1_000_000, "another", dialect);
        peer.tell(&stranger, &format!("enter {} another", stranger.id));
        peer.reply(&stranger, "/login", "9100");
        peer.close(&stranger);
        peer.assert_online(&one, &[&one]);
        peer.finish();
    });
}
