//! Tests of a session by itself, in what happens between two steps of other threads.

use super::fixture::Fixture;
use super::*;

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
