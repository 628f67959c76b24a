//! Cut: two hosts whose packets are lost, in one way or another.

use std::time::Instant;

use rustix::process::Signal;

use crate::harness::{Client, Net, PATIENCE, SCHEDULING, SLOT, Server, ms};

/// What the server says when no packet reaches it.
const SILENT: &[&str] = &["silent"];

/// What it may say where only its own packets are lost. The client's FIN has to wait behind the ping that, for all its
/// kernel knows, has not arrived, so that silence is the most likely.
const DEAF_CLIENT: &[&str] = &["silent", "peer_closed", "reset"];

/// What the client says, and how often.
#[derive(Clone, Copy)]
struct Talk {
    messages: u64,
    gap: &'static str,
}

/// Seldom enough that a ping is due between any two messages.
const QUIET: Talk = Talk { messages: 5, gap: "700ms" };

/// So often that no ping is due while echoes come.
const BUSY: Talk = Talk { messages: 20, gap: "200ms" };

/// Cuts the network under a client and a server in conversation: both notice within their limits. Heals it: the client
/// is back by itself, and says all that it had to say.
#[track_caller]
fn cut_and_heal(talk: Talk, cut: fn(&Net), heal: fn(&Net), server_says: &[&str]) {
    let (all_idle, pong, limit) = (ms(500), ms(500), ms(3000));
    let Some(net) = Net::open() else { return };
    let mut server = Server::start_in(Some(&net.far), "--reader-idle 3s");
    // The client's verdict comes well before the server's, whose farewell may reach it.
    let Talk { messages, gap } = talk;
    let args = format!(
        "--all-idle 500ms --pong-timeout 500ms --messages {messages} --gap {gap}..{gap} --retry-base 100ms \
         --retry-cap 300ms"
    );
    let mut client = Client::start_in(Some(&net.near), server.address, &args);
    client.story.wait_for("echo", PATIENCE);
    cut(&net);
    let since = Instant::now();
    let left = client.story.wait_for("down", PATIENCE);
    assert_eq!((left.text("reason"), left.text("side")), ("silent", "network"));
    assert!(left.number("last_in_ms") >= 1000, "the client was early: {}", left.json);
    let took = left.at.saturating_duration_since(since);
    assert!(took < all_idle * 2 + pong + 2 * SLOT + SCHEDULING, "the client noticed after {took:?}");
    let down = server.story.wait_for("down", PATIENCE);
    assert!(server_says.contains(&down.text("reason")), "{}", down.json);
    if down.text("reason") == "silent" {
        assert!(down.number("last_in_ms") >= 3000, "the server was early: {}", down.json);
    }
    // Where its packets come through, the server hears a client until that one leaves.
    let unheard = if server_says == SILENT { since } else { left.at.max(since) };
    let took_server = down.at.saturating_duration_since(unheard);
    assert!(took_server < limit + SLOT + SCHEDULING, "the server noticed after {took_server:?}");
    heal(&net);
    let up = client.story.wait_for("up", PATIENCE);
    println!("client noticed after {took:?}, server after {took_server:?}, back after {:?}", up.at - since);
    let (closed, _) = client.finish(messages);
    assert!(closed.number("reconnects") >= 1, "{}", closed.json);
    server.stop();
}

#[test]
fn dropped_both_ways() {
    let cut = |net: &Net| {
        net.far.deafen();
        net.far.gag();
    };
    cut_and_heal(QUIET, cut, |net| net.far.heal(), SILENT);
}

#[test]
fn dropped_both_ways_under_a_client_that_goes_on_talking() {
    // Its own writes put its ping off, but not for ever.
    let cut = |net: &Net| {
        net.near.deafen();
        net.near.gag();
    };
    cut_and_heal(BUSY, cut, |net| net.near.heal(), SILENT);
}

#[test]
fn dropped_on_the_way_to_the_server() {
    cut_and_heal(QUIET, |net| net.far.deafen(), |net| net.far.heal(), SILENT);
}

#[test]
fn dropped_on_the_way_to_the_client() {
    cut_and_heal(QUIET, |net| net.near.deafen(), |net| net.near.heal(), DEAF_CLIENT);
}

#[test]
fn cable_out_at_the_client() {
    cut_and_heal(QUIET, |net| net.near.unplug(), |net| net.near.plug_in(), SILENT);
}

#[test]
fn cable_out_at_the_server() {
    cut_and_heal(QUIET, |net| net.far.unplug(), |net| net.far.plug_in(), SILENT);
}

#[test]
fn a_death_whose_packets_are_lost_is_noticed_by_silence() {
    let limit = ms(1500);
    let Some(net) = Net::open() else { return };
    let mut server = Server::start_in(Some(&net.far), "--reader-idle 1500ms");
    let args = "--all-idle 500ms --pong-timeout 500ms --messages 0";
    let mut client = Client::start_in(Some(&net.near), server.address, args);
    client.story.wait_for("pong", PATIENCE);
    net.near.hide_ends();
    let killed = client.story.process().signal(Signal::KILL);
    let down = server.story.wait_for("down", PATIENCE);
    assert_eq!((down.text("reason"), down.text("side")), ("silent", "network"));
    assert!(down.number("last_in_ms") >= 1500, "early: {}", down.json);
    let took = down.at - killed;
    assert!(took < limit + SLOT + SCHEDULING, "noticed after {took:?}");
}

#[test]
fn the_kernel_ends_a_line_whose_data_stays_unacknowledged() {
    let limit = ms(2000);
    let Some(net) = Net::open() else { return };
    // No heartbeat of either end can be the one that notices.
    let mut server = Server::start_in(Some(&net.far), "--reader-idle 60s --user-timeout 2s");
    let args = "--all-idle 60s --pong-timeout 60s --messages 100 --gap 200ms..200ms";
    let mut client = Client::start_in(Some(&net.near), server.address, args);
    client.story.wait_for("echo", PATIENCE);
    let before = Instant::now();
    net.near.deafen();
    let since = Instant::now();
    let down = server.story.wait_for("down", PATIENCE);
    assert_eq!((down.text("reason"), down.text("side")), ("silent", "network"), "{}", down.json);
    assert_eq!(down.text("cause"), "timed out");
    assert!(down.at - before >= limit, "early: {:?}", down.at - before);
    // It is the echo of the next message that stays unacknowledged; the kernel looks when it would send it again, which
    // it does at 0.2, 0.6, 1.4 s and at the limit.
    let took = down.at - since;
    assert!(took < limit + ms(200) + SCHEDULING, "noticed after {took:?}");
}
