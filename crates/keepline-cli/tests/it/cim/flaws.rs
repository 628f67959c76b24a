//! Flaws of cim that its clients can see: what it lost, shuffled or mixed up, and keepline does not.

use rustix::process::Signal;

use super::peer::Peer;
use super::user::User;
use super::user::Way::{Any, Stored};
use super::{QUICK, in_each_dialect, in_each_dialect_unlimited, in_each_dialect_with};
use crate::harness::Java;

/// More than the callbacks that a client of cim's SDK can hold.
const OVERFLOW: usize = 1025;

/// Registrations at once.
const BURST: usize = 200;

/// More than a page of cim's store.
const PAGES: usize = 250;

#[test]
fn cim_flaw_01_what_is_sent_to_a_user_without_a_connection_is_not_lost() {
    in_each_dialect(|_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        // Between the login by HTTP and the frame on the long connection, cim says success and has nobody to push to.
        let two = peer.register("zs", dialect);
        peer.call(&two, &format!("enter {} zs", two.id), "/login", "9000");
        peer.p2p(&one, &two, "are you there", "7000");
        peer.login(&two);
        peer.expect(&two, &one, "are you there", Stored);
        peer.wait_for_fetch(&two);
        peer.finish();
    });
}

#[test]
fn cim_flaw_04_the_late_end_of_an_old_line_does_not_put_the_new_one_offline() {
    in_each_dialect(|server, mut peer, dialect| {
        let Some(java) = Java::open() else { return };
        let one = peer.enter("crossover", dialect);
        // A process that hangs: it does not notice that its user goes on in another.
        let mut hung = Peer::start(&java, server, QUICK);
        let two = hung.enter("zs", dialect);
        hung.signal(Signal::STOP);
        let again = peer.again(&two);
        peer.call(&again, &format!("offline {}", two.id), "/offLine", "9000");
        peer.login(&again);
        hung.kill();
        // Time for the server to hear of that end.
        peer.ping(&again);
        peer.assert_online(&one, &[&one, &again]);
        peer.p2p(&one, &again, "still there", "9000");
        peer.expect(&again, &one, "still there", Any);
        peer.finish();
    });
}

#[test]
fn cim_flaw_11_what_came_while_a_client_reconnected_is_there_after_it() {
    // Long enough away that a message finds nobody.
    in_each_dialect_with("--fetch-after-ms 200 --backoff-ms 3000..3000 --seed 1", |_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        let two = peer.enter("zs", dialect);
        // A client asks for stored messages once in its life, and this one has.
        peer.wait_for_fetch(&two);
        // No frame is so long: the server closes the line.
        peer.tell(&two, "raw ffffffffff");
        peer.wait_for_state(&two, "closed");
        peer.reply(&two, "/offLine", "9000");
        peer.p2p(&one, &two, "while you were away", "7000");
        peer.wait_until_ready(&two);
        peer.expect(&two, &one, "while you were away", Stored);
        peer.p2p(&one, &two, "and now", "9000");
        peer.expect(&two, &one, "and now", Any);
        peer.finish();
    });
}

#[test]
fn cim_flaw_12_a_burst_is_neither_shuffled_nor_cut_off() {
    in_each_dialect_unlimited(|_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        let two = peer.enter("zs", dialect);
        for i in 0..OVERFLOW {
            peer.tell(&one, &format!("p2p {} {i}", two.id));
        }
        for i in 0..OVERFLOW {
            peer.reply(&one, "/p2pRoute", "9000");
            peer.expect(&two, &one, &i.to_string(), Any);
        }
        peer.finish();
    });
}

#[test]
fn cim_flaw_13_a_client_that_died_between_its_two_logins_is_not_stuck_online() {
    in_each_dialect(|_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        let two = peer.register("zs", dialect);
        peer.call(&two, &format!("enter {} zs", two.id), "/login", "9000");
        // It has no line, so that it is not there, and its next login is no repetition.
        peer.assert_online(&one, &[&one]);
        peer.login(&two);
        peer.assert_online(&one, &[&one, &two]);
        peer.finish();
    });
}

#[test]
fn cim_flaw_21_a_name_is_a_name_and_a_number_is_given_once() {
    in_each_dialect(|_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        // Each is one of the keys that cim itself writes beside the names.
        for name in ["cim-route:5", "login-status", "cim-account:1", "offline:msg:user:1"] {
            let user = peer.enter(name, dialect);
            peer.group(&one, name);
            peer.expect(&user, &one, name, Any);
            peer.close(&user);
        }
        // All in as few milliseconds as may be: each client asks on a thread of its own.
        let clients: Vec<User> = (0..8).map(|i| peer.stranger(0, &format!("registers-{i}"), dialect)).collect();
        for i in 0..BURST {
            peer.tell(&clients[i % clients.len()], &format!("register user-{i}"));
        }
        let mut numbers: Vec<u64> = (0..BURST)
            .map(|i| peer.reply(&clients[i % clients.len()], "/registerAccount", "9000"))
            .map(|reply| reply["body"]["userId"].as_u64().expect("a number"))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), BURST);
        peer.finish();
    });
}

#[test]
fn cim_flaw_28_a_batch_to_a_user_who_is_away_is_kept_and_blocks_nothing() {
    in_each_dialect(|_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        let two = peer.register("zs", dialect);
        peer.p2p(&one, &two, "first", "7000");
        peer.batch(&one, &two, &["a", "b"], "7000");
        peer.p2p(&one, &two, "last", "7000");
        peer.login(&two);
        for text in ["first", "a", "b", "last"] {
            peer.expect(&two, &one, text, Stored);
        }
        peer.wait_for_fetch(&two);
        peer.finish();
    });
}

#[test]
fn cim_flaw_30_more_stored_messages_than_a_page_all_come_in_order() {
    in_each_dialect_unlimited(|_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        let two = peer.register("zs", dialect);
        let texts: Vec<String> = (0..PAGES).map(|i| i.to_string()).collect();
        for text in &texts {
            peer.tell(&one, &format!("p2p {} {text}", two.id));
        }
        for _ in &texts {
            peer.reply(&one, "/p2pRoute", "7000");
        }
        peer.login(&two);
        for text in &texts {
            peer.expect(&two, &one, text, Stored);
        }
        peer.wait_for_fetch(&two);
        peer.finish();
    });
}

#[test]
fn cim_flaw_32_each_stored_message_has_its_own_sender() {
    in_each_dialect(|_, mut peer, dialect| {
        let [one, two] = ["crossover", "zs"].map(|name| peer.enter(name, dialect));
        let three = peer.register("cj", dialect);
        for (from, text) in [(&one, "a"), (&one, "b"), (&two, "c"), (&one, "d"), (&two, "e")] {
            peer.p2p(from, &three, text, "7000");
        }
        peer.login(&three);
        let ones = [(&one, "a"), (&one, "b"), (&one, "d")];
        let twos = [(&two, "c"), (&two, "e")];
        peer.expect_all(&three, Stored, &[&ones, &twos]);
        peer.wait_for_fetch(&three);
        peer.finish();
    });
}

#[test]
fn cim_flaw_33_a_fetch_without_a_connection_loses_nothing_and_two_at_once_repeat_nothing() {
    // By hand only.
    in_each_dialect_with("--fetch-after-ms 0 --seed 1", |_, mut peer, dialect| {
        let one = peer.enter("crossover", dialect);
        let two = peer.register("zs", dialect);
        peer.call(&two, &format!("enter {} zs", two.id), "/login", "9000");
        let texts = ["a", "b", "c"];
        for text in texts {
            peer.p2p(&one, &two, text, "7000");
        }
        // cim takes its own HTTP reply for the delivery.
        peer.call(&two, "fetch", "/fetchOfflineMsgs", "9000");
        // Another process of the same user that asks, too.
        let other = peer.again(&two);
        peer.call(&other, &format!("enter {} zs", two.id), "/login", "9000");
        peer.login(&two);
        for user in [&two, &other, &two, &other] {
            peer.tell(user, "fetch");
        }
        for text in texts {
            peer.expect(&two, &one, text, Stored);
        }
        for user in [&two, &other, &two, &other] {
            peer.reply(user, "/fetchOfflineMsgs", "9000");
        }
        peer.ping(&two);
        peer.finish();
    });
}
