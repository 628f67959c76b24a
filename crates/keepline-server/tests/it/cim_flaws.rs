//! cim's known flaws that could be repeated below its endpoints, by number (docs/cim.md).

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepline::Reason;
use keepline_proto::wire::dialect::Dialect;
use keepline_server::line::LineSettings;
use tracing_subscriber::fmt::MakeWriter;

use crate::stage::*;

/// The end of many sessions is a look at a table: it asks the store for nothing, so a store that hangs holds up neither
/// it nor the pongs of others.
#[tokio::test(start_paused = true)]
async fn cim_flaw_05_an_eviction_waits_for_nothing() {
    let moody = Moody::new(16);
    let stage = Stage::set(Setting { store: Arc::new(moody.clone()), ..Setting::default() }, &["ann", "bob"]).await;
    let mut silent = Vec::new();
    for device in 0..50 {
        silent.push(stage.login_with("ann", &format!("d{device}"), 4096).await);
    }
    let mut lively = stage.login("bob", "phone").await;
    moody.hold_answers();
    let start = tokio::time::Instant::now();
    let pings = async {
        loop {
            lively.ping().await;
            let waited = tokio::time::timeout(Duration::from_secs(20), lively.next()).await;
            assert!(waited.is_err(), "{waited:?} on a line that is well");
        }
    };
    let evictions = async {
        for (_peer, task) in &mut silent {
            assert_eq!(task.await.unwrap().reason, Reason::Silent);
        }
    };
    tokio::select! {
        () = pings => {}
        () = evictions => {}
    }
    assert!((60..62).contains(&start.elapsed().as_secs()), "all in one moment: {:?}", start.elapsed());
    assert!(!stage.is_online("ann") && stage.is_online("bob"));
    assert_eq!(stage.hub.sessions().len(), 1);
}

/// Whatever fails around it, an end takes the session out of the table, and what was said meanwhile is not pushed into
/// a dead line but kept.
#[tokio::test(start_paused = true)]
async fn cim_flaw_06_a_failing_store_leaves_no_dead_session() {
    let moody = Moody::new(16);
    let stage = Stage::set(Setting { store: Arc::new(moody.clone()), ..Setting::default() }, &["ann", "bob"]).await;
    let (peer, task) = stage.login_with("ann", "phone", 4096).await;
    moody.bad_reads.store(3, std::sync::atomic::Ordering::Relaxed);
    drop(peer);
    task.await.unwrap();
    assert!(!stage.is_online("ann") && stage.hub.sessions().is_empty());
    stage.say("bob", "p.ann.bob", "are you there?").await.unwrap();
    assert_eq!(stage.login("ann", "phone").await.delivery().await, deliver("p.ann.bob", 1, "are you there?"));
}

/// A length is judged when it is announced: before the login and after it.
#[tokio::test(start_paused = true)]
async fn cim_flaw_18_a_frame_has_a_limit_before_the_login_and_after_it() {
    let stage = Stage::new(&["ann"]).await;
    // 4097 and 65,537; and the 2 GiB that cim waits for.
    for announced in [&b"\x81\x20"[..], b"\xff\xff\xff\xff\x07"] {
        let (mut peer, task) = stage.connect_with(4096);
        peer.write(announced).await;
        assert_eq!(task.await.unwrap().reason, Reason::TooLarge, "{announced:x?} before the login");
    }
    for announced in [&b"\x81\x80\x04"[..], b"\xff\xff\xff\xff\x07"] {
        let (mut peer, task) = stage.login_with("ann", "phone", 4096).await;
        peer.write(announced).await;
        assert_eq!(task.await.unwrap().reason, Reason::TooLarge, "{announced:x?} after the login");
    }
}

/// Bytes that are no frame end the line, with their reason, whatever it speaks; and an empty frame logs nobody in.
#[tokio::test(start_paused = true)]
async fn cim_flaw_19_what_is_no_frame_ends_the_line() {
    let lines = LineSettings { cim: true, ..Setting::default().lines };
    let stage = Stage::set(Setting { lines, ..Setting::default() }, &["ann"]).await;
    let id = stage.accounts.cim().register("zs").await.unwrap().0;
    let garbage: [&[u8]; 4] = [b"\x00", b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80\x80\x80\x01", b"\x02\x00\x00"];
    for bytes in garbage {
        let (mut peer, task) = stage.connect_with(4096);
        peer.write(bytes).await;
        assert_eq!(task.await.unwrap().reason, Reason::ProtocolError, "{bytes:x?} at first");
        assert!(stage.hub.sessions().is_empty(), "{bytes:x?} logs nobody in");
        let (mut peer, task) = stage.connect_as(Dialect::Cim21, 4096);
        peer.login_of_cim(Dialect::Cim21, id, "zs").await;
        until("he is online", || stage.is_online(&format!("cim-{id}"))).await;
        peer.write(bytes).await;
        assert_eq!(task.await.unwrap().reason, Reason::ProtocolError, "{bytes:x?} from a client of cim");
    }
}

/// At the finest level, no log line has what was said, nor a token.
#[tokio::test(start_paused = true)]
async fn cim_flaw_25_no_log_has_what_was_said() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .with_ansi(false)
        .finish();
    // While there is one dispatcher alone, a callsite that another test's thread meets first is judged by that thread's,
    // which has none, and stays silent for us too.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let _guard = tracing::subscriber::set_default(subscriber);
    let stage = Stage::new(&["ann", "bob"]).await;
    let token = stage.token("ann", "phone").await;
    let mut ann = stage.login("ann", "phone").await;
    ann.say_and_hear("p.ann.bob", "canary").await;
    let (mut bob, task) = stage.login_with("bob", "phone", 4096).await;
    assert_eq!(bob.delivery().await.2, "canary");
    bob.write(b"\x06canary").await;
    task.await.unwrap();
    let said = log.text();
    assert!(said.contains("session ended"), "something is logged: {said}");
    for secret in ["canary", token.as_str(), "correct horse"] {
        assert!(!said.contains(secret), "{secret} is in the log: {said}");
    }
}

/// Numbers are given when a message is stored: an id that is lower than one before it comes all the same, behind it.
#[tokio::test(start_paused = true)]
async fn cim_flaw_31_a_lower_id_that_is_stored_late_is_not_skipped() {
    let stage = Stage::new(&["ann", "bob"]).await;
    let mut bob = stage.login("bob", "phone").await;
    let mut expected = Vec::new();
    for (seq, id) in ["9", "5", "7", "1"].into_iter().enumerate() {
        stage.say_as("ann", "p.ann.bob", id, id).await.unwrap();
        expected.push(deliver("p.ann.bob", seq as u64 + 1, id));
        if id == "9" {
            assert_eq!(bob.delivery().await, expected[0]);
            bob.ack("p.ann.bob", 1).await;
            until("his mark is there", || stage.is_quiet()).await;
            drop(bob);
            until("he is gone", || !stage.is_online("bob")).await;
            bob = stage.connect_with(4096).0;
        }
    }
    drop(bob);
    let mut bob = stage.login("bob", "phone").await;
    for message in &expected[1..] {
        assert_eq!(&bob.delivery().await, message);
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
