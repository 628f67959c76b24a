//! Tests of a session by itself, in what happens between two steps of other threads.

use super::fixture::Fixture;
use super::*;
use crate::accounts::Proof;

/// The feed has told of 6 and the fan-out has not come to this session with it: a reset in between does not pass it by.
#[tokio::test]
async fn a_reset_leaves_out_nothing_that_is_still_to_be_offered() {
    let pair: Conversation = "p.ann.bob".parse().unwrap();
    let fixture = Fixture::new(Speaks::V1).await;
    let (session, directory) = (&fixture.session, &fixture.session.environment.directory);
    fixture.told(&pair, 5);
    directory.advance(&pair, 6);
    assert!(session.is_caught_up(), "with all that it was offered");
    assert_eq!(session.resume(&pair, directory.epoch() + 1, 3), Resumed::Reset);
    let state = session.lock();
    let State::Live(Live { cursors: Some(cursors), .. }) = &*state else { panic!("nothing to do") };
    assert_eq!((cursors.position(&pair), cursors.has_work()), (Some((5, 5)), true), "it reads on behind 5");
}

/// However late its token ends: it is on no list until shortly before.
#[tokio::test]
async fn a_session_is_found_once_its_token_is_over_and_until_it_has_left() {
    let (begin, hour) = (1_800_000_000_000, 3_600_000);
    let token = Token { proof: Proof::Jwt { issued_ms: 0 }, expires_ms: begin + hour };
    let Fixture { hub, session, .. } = &Fixture::holding(Speaks::V1, Some(token)).await;
    let over = |now_ms| hub.over(now_ms).iter().filter(|found| Arc::ptr_eq(found, session)).count();
    let table = [(begin, 0), (begin + hour - 1, 0), (begin + hour, 1), (begin + 48 * hour, 1), (begin, 0)];
    for (now_ms, found) in table {
        assert_eq!(over(now_ms), found, "{now_ms}");
    }
    assert_eq!(over(begin + hour), 1, "it is on the list");
    hub.logout(session);
    assert_eq!(over(begin + hour), 0);
    let endless = Fixture::new(Speaks::V1).await;
    assert!(endless.hub.over(u64::MAX).is_empty(), "a session of cim's has no token");
}
