//! Limits: a server that has too much to do from our address is asked again when it says, and not longer than we have.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::fake::Fake;
use super::scene::{Person, Ran, Scene};
use crate::harness::ms;

const SESSIONS: &str = "[]";

fn refusal(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"no","retry":true}}}}"#)
}

fn list(fake: &Fake, more: &[&str]) -> Ran {
    let arguments = [&["conns", "--json"], more].concat();
    Person::new(&fake.url).run_with(&arguments, &[("KEEPLINE_TOKEN", "kl_x")], b"")
}

fn me() -> (&'static str, String) {
    ("200 OK", r#"{"user":"ann","device":"d","expires_ms":1}"#.to_owned())
}

#[test]
fn who_asks_too_often_is_asked_to_come_again_and_does() {
    for (head, code) in [("429 x\r\nretry-after: 0", "rate_limited"), ("503 x\r\nretry-after: 0", "overloaded")] {
        let again = || (head, refusal(code));
        let fake = Fake::answering(vec![again(), me(), again(), again(), ("200 OK", SESSIONS.to_owned())]);
        let ran = list(&fake, &[]);
        assert!(ran.code == Some(0) && ran.err.is_empty(), "{code}: {ran:?}");
    }
}

#[test]
fn what_was_not_looked_at_is_asked_again_whatever_it_is_and_else_nothing_is_done_twice() {
    let revoke = |answers| {
        let fake = Fake::answering(answers);
        Person::new(&fake.url).run_with(&["token", "revoke"], &[("KEEPLINE_TOKEN", "kl_x")], b"")
    };
    let ran = revoke(vec![me(), ("429 x\r\nretry-after: 0", refusal("rate_limited")), ("204 x", String::new())]);
    assert!(ran.code == Some(0) && ran.out.contains("token revoked"), "{ran:?}");
    let ran = revoke(vec![me(), ("503 x\r\nretry-after: 0", refusal("unavailable")), ("204 x", String::new())]);
    assert!(ran.code == Some(1) && ran.err.contains("no (unavailable); come again in 0s"), "{ran:?}");
}

#[test]
fn a_wait_beyond_our_own_time_is_told_and_not_waited() {
    let fake = Fake::answering(vec![("429 x\r\nretry-after: 3600", refusal("rate_limited"))]);
    let ran = list(&fake, &["--timeout", "30s"]);
    assert!(ran.code == Some(1) && ran.err.contains("no (rate_limited); come again in 1h"), "{ran:?}");
}

/// The server turns connections away before they have said anything, and that is no failure of the verb.
#[test]
fn a_script_that_connects_too_often_goes_on_when_it_may() {
    let scene = Scene::open();
    scene.ok(&["users", "--as", "ann"]);
    let server: SocketAddr = scene.http.trim_start_matches("http://").parse().expect("an address");
    let (over, knocked) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            // Far more than the 20 a second and 50 at once that an address may have.
            for knock in 0..1500 {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                drop(TcpStream::connect(server));
                knocked.store(knock >= 200, Ordering::Relaxed);
                thread::sleep(ms(1));
            }
        });
        while !knocked.load(Ordering::Relaxed) {
            thread::sleep(ms(1));
        }
        let ran = scene.run(&["users", "--as", "ann", "--timeout", "1m"]);
        over.store(true, Ordering::Relaxed);
        assert!(ran.code == Some(0) && ran.out.contains("ann"), "{ran:?}");
    });
}
