//! A codec whose frame limit is raised by its handler, once the peer has logged in.

use keepline::wire::echo::Echo;
use keepline::{Flow, Reason, Turn};
use tokio::io::duplex;

use crate::support::*;

const SMALL: u32 = 64;
const LARGE: u32 = 1 << 20;

fn limit(bytes: u32) -> Echo {
    Echo::strict().with_limit(bytes).unwrap()
}

fn raise(turn: &mut Turn<'_, Echo>) {
    *turn.codec() = limit(LARGE);
    turn.establish();
}

/// A login is answered at once, or only when somebody has looked the peer up; other frames are sent back.
fn guarded(at_once: bool) -> Witness {
    let react = move |frame: keepline::wire::echo::Frame<'_>, turn: &mut Turn<'_, Echo>| {
        if frame.content != b"login" {
            return turn.reply(frame);
        }
        if !at_once {
            return Flow::Pause;
        }
        raise(turn);
        turn.reply(frame)
    };
    let on_wake = |turn: &mut Turn<'_, Echo>| {
        raise(turn);
        turn.reply(keepline::wire::echo::Frame::data(b"login"))
    };
    Witness { on_wake: Box::new(on_wake), ..Witness::new(react) }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_a_login_raises_holds_from_the_next_frame_on() {
    let (login, large) = (frame(b"login"), frame(&[7; 100_000]));
    let all = [&login[..], &large, &large].concat();
    // All at once; the large frame's header with the login; its length cut in two; each by itself.
    for cut in [0, login.len() + 5, login.len() + 2, login.len()] {
        for at_once in [true, false] {
            let (peer, ours) = duplex(1 << 20);
            let mut peer = Peer(peer);
            let mut settings = watched();
            settings.handshake_within = Some(secs(5));
            let line = line_over(ours, guarded(at_once), limit(SMALL), settings);
            peer.send(&all[..cut]).await;
            tokio::time::sleep(millis(1).to_std()).await;
            peer.send(&all[cut..]).await;
            if !at_once {
                tokio::time::sleep(secs(3).to_std()).await;
                assert_eq!(line.seen.of("frame"), ["login"]);
                line.connection.wake();
                line.connection.resume();
            }
            assert!(peer.receive(all.len()).await == all, "cut at {cut}");
            tokio::time::sleep(secs(5).to_std()).await;
            assert!(!line.task.is_finished(), "the login's deadline is over");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn before_the_login_a_large_frame_closes_the_line_at_its_length() {
    let (peer, ours) = duplex(1 << 20);
    let mut peer = Peer(peer);
    let line = line_over(ours, guarded(true), limit(SMALL), watched());
    // Four bytes are enough.
    peer.send(&frame(&[7; 100_000])[..4]).await;
    assert_eq!(peer.rest().await, b"");
    drop(peer);
    assert_eq!(line.end().await.0.reason, Reason::TooLarge);
}
