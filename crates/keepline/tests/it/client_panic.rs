//! Panics in a program's own code: each fails one attempt or one line, and the client goes on.

use keepline::client::{Client, EchoProtocol, Event, Incoming, Protocol, Verdict};
use keepline::wire::{WireError, echo};

use crate::client_net::{Fate, Marked, ROOM, marked, net, next, options, read_frame, up, write_frame};

#[tokio::test(start_paused = true)]
async fn a_panic_in_any_attempt_is_followed_by_the_next_attempt() {
    for k in 0..4 {
        let (connect, net) = net(move |_, n| match n {
            n if n == k => Fate::Panic,
            n if n < k => Fate::Refuse,
            _ => Fate::Accept(ROOM),
        });
        let (_client, mut events) = Client::new(connect, EchoProtocol, options(&["a"])).unwrap();
        up(&mut events).await;
        assert_eq!(net.attempts().len(), k + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_over_a_frame_ends_the_line_and_settles_what_was_sent() {
    let (client, mut events, mut net, mut peer) = marked(options(&["a"])).await;
    let sent = client.send(b"sent".to_vec());
    assert_eq!(read_frame(&mut peer).await, Some((3, b"sent".to_vec())));
    write_frame(&mut peer, Marked::PANIC, b"").await;
    assert!(matches!(sent.await, Verdict::MaybeSent(_)));
    up(&mut events).await;
    let mut peer = net.peer().await;
    let again = client.send(b"again".to_vec());
    assert_eq!(read_frame(&mut peer).await, Some((3, b"again".to_vec())));
    write_frame(&mut peer, Marked::ANSWER, b"yes").await;
    assert_eq!(again.await, Verdict::Answered(b"yes".to_vec()));
}

/// Panics instead of making its first codec.
struct Fragile {
    broken: bool,
}

impl Protocol for Fragile {
    type Codec = echo::Echo;
    type Message = Vec<u8>;
    type Answer = Vec<u8>;

    fn codec(&mut self) -> echo::Echo {
        assert!(!std::mem::take(&mut self.broken), "injected into the codec's making");
        echo::Echo::strict()
    }

    fn encode(
        &mut self,
        id: u64,
        message: Vec<u8>,
        codec: &mut echo::Echo,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        EchoProtocol.encode(id, message, codec, out)
    }

    fn on_frame(&mut self, frame: echo::Frame<'_>) -> Incoming<Vec<u8>> {
        EchoProtocol.on_frame(frame)
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_over_a_codec_fails_the_attempt() {
    let (connect, _net) = net(|_, _| Fate::Accept(ROOM));
    let (_client, mut events) = Client::new(connect, Fragile { broken: true }, options(&["a"])).unwrap();
    assert!(matches!(next(&mut events).await, Event::Connecting { attempt: 1, .. }));
    assert!(matches!(next(&mut events).await, Event::Failed { .. }));
    assert!(matches!(next(&mut events).await, Event::Connecting { attempt: 2, .. }));
    assert!(matches!(next(&mut events).await, Event::Up { .. }));
}
