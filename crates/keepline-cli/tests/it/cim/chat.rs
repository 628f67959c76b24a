//! Chat: cim's groupChat and testP2PChat.

use serde_json::json;

use super::in_each_dialect;
use super::user::Way::Any;

#[test]
fn a_group_message_reaches_everyone_online_but_its_sender() {
    in_each_dialect(|server, mut peer, dialect| {
        let one = peer.register("crossover", dialect);
        let two = peer.register("zs", dialect);
        for user in [&one, &two] {
            // Where to connect to is exactly where the server listens.
            let address = peer.login(user);
            let [tcp, push] = [server.tcp, server.cim_http];
            let wanted = json!({"ip": tcp.ip(), "cimServerPort": tcp.port(), "httpPort": push.port()});
            assert_eq!(address, wanted);
        }
        peer.group(&one, "hello");
        peer.expect(&two, &one, "hello", Any);
        peer.assert_online(&one, &[&one, &two]);
        // A group message that came back to its sender would be before this one.
        peer.p2p(&two, &one, "and to you", "9000");
        peer.expect(&one, &two, "and to you", Any);
        // Who is up to date is told at once: sooner or later he is.
        let alone = (0..20).any(|i| {
            peer.p2p(&two, &one, &format!("are you there {i}"), "9000");
            let message = peer.next(&one, "message");
            message["index"].is_null() && message["command"] == dialect.live()
        });
        assert!(alone, "twenty messages came in twenty batches");
        peer.finish();
    });
}

#[test]
fn a_private_message_and_a_batch_reach_their_receiver_alone_and_in_order() {
    in_each_dialect(|_, mut peer, dialect| {
        let [one, two, three] = ["crossover", "zs", "cj"].map(|name| peer.enter(name, dialect));
        peer.p2p(&one, &three, "hello", "9000");
        peer.expect(&three, &one, "hello", Any);
        peer.batch(&two, &one, &["a", "b", "c"], "9000");
        for text in ["a", "b", "c"] {
            peer.expect(&one, &two, text, Any);
        }
        peer.assert_online(&two, &[&one, &two, &three]);
        // Nothing of all this was for the second: this is the first that it gets.
        peer.p2p(&three, &two, "you are next", "9000");
        peer.expect(&two, &three, "you are next", Any);
        for user in [&one, &two, &three] {
            peer.close(user);
        }
        peer.assert_online(&one, &[]);
        peer.finish();
    });
}
