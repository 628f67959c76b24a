//! D4: how long a session outlives its token, by the clock of this machine.

use std::thread;
use std::time::Duration;

use serde_json::json;

use super::scene::{Line, Scene, Signer, now, since_1970};

/// What we promise: after a token's end, and after a calling back.
const AFTER_ITS_END: Duration = Duration::from_secs(30);
const CALLED_BACK: Duration = Duration::from_secs(5);

#[test]
fn d4_sessions_end_with_their_tokens_and_at_a_calling_back() {
    let signer = Signer::new("one");
    let scene = Scene::new("jwt-ends", &[&signer], "--memory");
    let lines = (0..50).map(|number| {
        let exp = now() + 4;
        let token = signer.token(&format!("user-{number}"), &json!({ "exp": exp }));
        let line = scene.log_in(&token, "phone").unwrap_or_else(|heard| panic!("{number}: {heard}"));
        (Duration::from_secs(exp), line)
    });
    let over = worst(lines.collect());
    println!("50 sessions ended at most {over:?} after their tokens");
    assert!(over <= AFTER_ITS_END, "{over:?}");

    let token = signer.token("ann", &json!({ "exp": now() + 600, "iat": now() - 1 }));
    let lines: Vec<Line> =
        (0..8).map(|number| scene.log_in(&token, &format!("device-{number}")).expect("a welcome")).collect();
    let asked = since_1970();
    assert_eq!(scene.ask("DELETE", "/v1/tokens", &token).0, 204);
    let back = worst(lines.into_iter().map(|line| (asked, line)).collect());
    println!("8 sessions ended at most {back:?} after their token was called back");
    assert!(back <= CALLED_BACK, "{back:?}");
    assert_eq!(scene.ask("GET", "/v1/accounts/me", &token).0, 401, "and it lets nobody in again");
    assert!(scene.log_in(&token, "phone").is_err());
}

/// The longest that one of these outlived the time when it had to end. None ended before that.
fn worst(lines: Vec<(Duration, Line)>) -> Duration {
    let waiting = lines.into_iter().map(|(due, line)| {
        thread::spawn(move || {
            let (at, heard) = line.end();
            assert!(heard.contains("auth_failed"), "{heard:?}");
            at.checked_sub(due).expect("it ended before its time")
        })
    });
    let waiting: Vec<_> = waiting.collect();
    waiting.into_iter().map(|one| one.join().expect("a line that ended in order")).max().unwrap_or_default()
}
