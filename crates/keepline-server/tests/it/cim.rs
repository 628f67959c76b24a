//! cim's dialects on the line: what its clients are sent, and when that counts as delivered.

use std::time::{Duration, Instant};

use keepline::Reason;
use keepline_proto::wire::dialect::Dialect;
use keepline_server::delivery::Sender;
use keepline_server::line::LineSettings;
use keepline_server::message::Kind;
use keepline_server::session::Session;

use crate::stage::*;

/// A server with cim's dialects on, and three of its users by number.
pub(crate) struct Town {
    pub(crate) stage: Stage,
    pub(crate) zs: i64,
    pub(crate) ls: i64,
    ww: i64,
}

pub(crate) async fn town() -> Town {
    let lines = LineSettings { cim: true, ..Setting::default().lines };
    let stage = Stage::set(Setting { lines, ..Setting::default() }, &["ann"]).await;
    let [mut zs, mut ls, mut ww] = [0; 3];
    for (id, name) in [(&mut zs, "zs"), (&mut ls, "ls"), (&mut ww, "ww")] {
        *id = stage.accounts.cim().register(name).await.unwrap().0;
    }
    Town { stage, zs, ls, ww }
}

/// Our name of a user of cim.
pub(crate) fn user(id: i64) -> String {
    format!("cim-{id}")
}

pub(crate) fn pair(one: i64, other: i64) -> String {
    let mut users = [user(one), user(other)];
    users.sort();
    format!("p.{}.{}", users[0], users[1])
}

/// The sender's name and the texts of a frame; its receiver is checked.
pub(crate) fn said(dialect: Dialect, frame: &cim::Frame, receiver: i64) -> (String, Vec<String>) {
    assert_eq!(frame.id, receiver);
    if dialect == Dialect::Cim1 {
        let (sender, text) = frame.text.split_once(':').unwrap();
        return (sender.to_owned(), vec![text.to_owned()]);
    }
    assert_eq!(frame.properties["receiveUserId"], receiver.to_string(), "cim's client drops a frame without it");
    let texts = if frame.batch.is_empty() { vec![frame.text.clone()] } else { frame.batch.clone() };
    (frame.properties["sendUserName"].clone(), texts)
}

/// Has the line look whether the peer has everything, and waits until it has looked: what the peer sends behind the
/// request is read behind the look.
async fn look(session: &Session, peer: &mut Peer) {
    let (long, short) = (keepline::Duration::from_millis(50), keepline::Duration::from_millis(30));
    let connection = session.connection();
    eventually("he says nothing for a while", || connection.silent_for() > long).await;
    let start = Instant::now();
    connection.wake();
    peer.ping().await;
    eventually("his ping is read", || connection.silent_for() < short + start.elapsed().into()).await;
}

#[tokio::test]
async fn a_message_is_shown_with_its_sender_and_marked_once_the_kernel_has_it() {
    for (dialect, text, command) in [(Dialect::Cim21, "hi", 1), (Dialect::Cim1, "ls:hi", 2)] {
        let Town { stage, zs, ls, .. } = town().await;
        let port = stage.listen();
        let mut peer = port.cim(dialect, zs, "zs").await;
        eventually("he is online and caught up", || stage.is_online(&user(zs)) && stage.is_quiet()).await;
        stage.say(&user(ls), &pair(zs, ls), "hi").await.unwrap();
        let frame = peer.next_of_cim().await.unwrap();
        assert_eq!((frame.text.as_str(), frame.id, frame.command), (text, zs, command), "{dialect}");
        if dialect == Dialect::Cim21 {
            let ids = ["receiveUserId", "sendUserId", "sendUserName"].map(|key| frame.properties[key].clone());
            assert_eq!(ids, [zs.to_string(), ls.to_string(), "ls".to_owned()]);
        }
        eventually("it is marked as delivered", || stage.is_quiet()).await;
        assert_eq!(stage.marks(&user(zs), "cim").await, [(format!("m.{}", pair(zs, ls)), 1)]);
    }
}

/// A page is of several senders, and a frame of one: in cim all of them were the first one's (flaw 32).
#[tokio::test]
async fn cim_flaw_11_and_32_what_was_missed_comes_at_login_from_its_own_senders() {
    for dialect in [Dialect::Cim21, Dialect::Cim1] {
        let Town { stage, zs, ls, ww } = town().await;
        let mut expected = Vec::new();
        for (sender, name, count) in [(ls, "ls", 150), (zs, "zs", 3), (ww, "ww", 2), (ls, "ls", 1)] {
            for i in 0..count {
                let text = format!("{name}{i} of {count}");
                stage.say_as(&user(sender), "all", &format!("{count}/{name}{i}"), &text).await.unwrap();
                // What he said himself his client has shown already.
                if sender != zs {
                    expected.push((name.to_owned(), text));
                }
            }
        }
        let port = stage.listen();
        let mut peer = port.cim(dialect, zs, "zs").await;
        let (mut heard, mut frames) = (Vec::new(), 0);
        while heard.len() < expected.len() {
            let frame = peer.next_of_cim().await.unwrap();
            let (sender, texts) = said(dialect, &frame, zs);
            let (command, most) = if dialect == Dialect::Cim1 { (2, 1) } else { (3, 100) };
            assert!(frame.command == command && texts.len() <= most, "{frame:?}");
            heard.extend(texts.into_iter().map(|text| (sender.clone(), text)));
            frames += 1;
        }
        assert_eq!(heard, expected, "{dialect}");
        assert!(dialect == Dialect::Cim1 || frames <= 5, "{frames} frames for runs of 150, 2 and 1");
        eventually("it is marked as delivered", || stage.is_quiet()).await;
        assert_eq!(stage.marks(&user(zs), "cim").await, [("m.all".to_owned(), 156)]);
        // The next login has nothing to say.
        drop(peer);
        eventually("he is gone", || !stage.is_online(&user(zs))).await;
        let mut peer = port.cim(dialect, zs, "zs").await;
        eventually("he is back", || stage.is_online(&user(zs))).await;
        stage.say(&user(ls), &pair(zs, ls), "next").await.unwrap();
        assert_eq!(said(dialect, &peer.next_of_cim().await.unwrap(), zs), ("ls".to_owned(), vec!["next".to_owned()]));
    }
}

/// cim deletes what it has written to a socket. A write is no delivery: it counts when the peer's kernel has it.
#[tokio::test]
async fn cim_flaw_33_what_the_kernel_of_the_peer_has_not_got_is_not_delivered() {
    let Town { stage, zs, ls, .. } = town().await;
    let port = stage.listen();
    let large = |i: u64| format!("{i} {}", "x".repeat(50_000));
    let mut peer = port.narrow_cim(zs, "zs").await;
    eventually("he is online", || stage.is_online(&user(zs)) && stage.is_quiet()).await;
    for i in 1..=20 {
        stage.say_as(&user(ls), &pair(zs, ls), &format!("m{i}"), &large(i)).await.unwrap();
    }
    let session = stage.hub.sessions_of(&user(zs).parse().unwrap()).remove(0);
    eventually("it is all with our kernel", || {
        session.on_the_way().is_some() && session.connection().queued().messages == 0
    })
    .await;
    session.fetch_offline();
    look(&session, &mut peer).await;
    assert!(session.on_the_way().is_some(), "the peer has read nothing");
    assert_eq!(stage.marks(&user(zs), "cim").await, [], "and so nothing is marked");
    // One connection: nothing comes twice, however often it is fetched.
    for i in 1..=20 {
        let (_, texts) = said(Dialect::Cim21, &peer.next_of_cim().await.unwrap(), zs);
        assert_eq!(texts, [large(i)]);
    }
    peer.ping().await;
    eventually("it is marked as delivered", || stage.is_quiet()).await;
    assert_eq!(stage.marks(&user(zs), "cim").await, [(format!("m.{}", pair(zs, ls)), 20)]);
}

/// What was on its way when the line ended comes again with the next login.
#[tokio::test]
async fn cim_flaw_01_a_push_to_who_is_gone_is_kept() {
    let Town { stage, zs, ls, .. } = town().await;
    let port = stage.listen();
    let peer = port.narrow_cim(zs, "zs").await;
    eventually("he is online", || stage.is_online(&user(zs)) && stage.is_quiet()).await;
    for i in 1..=20 {
        let text = format!("{i} {}", "x".repeat(50_000));
        stage.say_as(&user(ls), &pair(zs, ls), &format!("m{i}"), &text).await.unwrap();
    }
    drop(peer);
    eventually("he is gone", || !stage.is_online(&user(zs))).await;
    stage.say(&user(ls), &pair(zs, ls), "21 nobody there").await.unwrap();
    let mut peer = port.cim(Dialect::Cim21, zs, "zs").await;
    let mut heard = Vec::new();
    while heard.len() < 21 {
        let (_, texts) = said(Dialect::Cim21, &peer.next_of_cim().await.unwrap(), zs);
        heard.extend(texts.iter().map(|text| text.split(' ').next().unwrap().parse::<u64>().unwrap()));
    }
    assert_eq!(heard, (1..=21).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cim_can_not_show_is_named() {
    let Town { stage, zs, .. } = town().await;
    let conversation = format!("p.ann.{}", user(zs));
    for (i, kind) in [Kind::Image, Kind::File, Kind::Custom].into_iter().enumerate() {
        let sender = Sender { user: "ann".parse().unwrap(), session: None };
        let draft = keepline_server::delivery::Draft {
            kind,
            body: b"\xff"[..].into(),
            ..draft(&conversation, &i.to_string(), "")
        };
        stage.delivery.send(sender, draft).await.unwrap();
    }
    let port = stage.listen();
    let mut peer = port.cim(Dialect::Cim21, zs, "zs").await;
    let frame = peer.next_of_cim().await.unwrap();
    assert_eq!(frame.batch, ["[image]", "[file]", "[message of another kind]"]);
    // Who is no user of cim has no number there.
    assert_eq!((frame.properties["sendUserId"].as_str(), frame.properties["sendUserName"].as_str()), ("0", "ann"));
}

#[tokio::test(start_paused = true)]
async fn cim_flaw_20_a_name_that_is_not_the_numbers_lets_nobody_in() {
    let Town { stage, zs, ls, .. } = town().await;
    for (id, name) in [(zs, "ls"), (zs + ls, "zs"), (zs, "")] {
        let (mut peer, task) = stage.connect_as(Dialect::Cim21, 4096);
        peer.login_of_cim(Dialect::Cim21, id, name).await;
        assert_eq!(peer.next_of_cim().await, None, "and is told nothing, which would be shown as a message");
        drop(peer);
        assert_eq!(task.await.unwrap().reason, Reason::AuthFailed);
    }
    assert!(stage.hub.sessions().is_empty());
}

/// cim evicts who has pinged once, and never who has not.
#[tokio::test(start_paused = true)]
async fn cim_flaw_15_a_client_that_never_pings_is_evicted_after_33_seconds() {
    let Town { stage, zs, .. } = town().await;
    for pings in [0_u64, 3] {
        let (mut peer, task) = stage.connect_as(Dialect::Cim21, 4096);
        peer.login_of_cim(Dialect::Cim21, zs, "zs").await;
        until("he is online", || stage.is_online(&user(zs))).await;
        for _ in 0..pings {
            tokio::time::sleep(Duration::from_secs(10)).await;
            peer.ping().await;
        }
        let start = tokio::time::Instant::now();
        assert_eq!(task.await.unwrap().reason, Reason::Silent);
        assert!((33..35).contains(&start.elapsed().as_secs()), "{:?} after {pings} pings", start.elapsed());
        assert!(!stage.is_online(&user(zs)));
    }
}

/// Its clients ping each 10 s. A pong costs more than a ping does, in cim's dialects too.
#[tokio::test(start_paused = true)]
async fn a_flood_of_pings_ends_its_line() {
    let Town { stage, zs, .. } = town().await;
    for dialect in [Dialect::Cim21, Dialect::Cim1] {
        let (mut peer, task) = stage.connect_as(dialect, 1 << 16);
        peer.login_of_cim(dialect, zs, "zs").await;
        until("he is online and caught up", || stage.is_online(&user(zs)) && stage.is_quiet()).await;
        for _ in 0..20 {
            peer.ping().await;
        }
        assert_eq!(task.await.unwrap().reason, Reason::TooManyPings, "{dialect}");
    }
}

/// Of the messages of one frame it is found which one it is that panics: it costs three lines, and nobody the others.
#[tokio::test(start_paused = true)]
async fn a_message_whose_frame_panics_is_found_among_its_neighbours_and_put_aside() {
    let Town { stage, zs, ls, .. } = town().await;
    stage.hub.environment().set_trap(|_, body| assert!(body != b"poison", "on purpose"));
    for text in ["one", "two", "poison", "three"] {
        stage.say(&user(ls), &pair(zs, ls), text).await.unwrap();
    }
    for _ in 0..3 {
        let (mut peer, task) = stage.connect_as(Dialect::Cim21, 1 << 16);
        peer.login_of_cim(Dialect::Cim21, zs, "zs").await;
        assert_eq!(peer.next_of_cim().await, None);
        drop(peer);
        assert_eq!(task.await.unwrap().reason, Reason::ServerError);
    }
    let (mut peer, _task) = stage.connect_as(Dialect::Cim21, 1 << 16);
    peer.login_of_cim(Dialect::Cim21, zs, "zs").await;
    let frame = peer.next_of_cim().await.expect("the others are delivered");
    assert_eq!(said(Dialect::Cim21, &frame, zs), ("ls".to_owned(), vec!["one".into(), "two".into(), "three".into()]));
}
