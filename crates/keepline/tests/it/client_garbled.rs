//! A peer that does not speak the protocol: another endpoint may.

use keepline::client::{Client, EchoProtocol, Event, Verdict};
use keepline::{Duration, Reconnect};
use tokio::io::AsyncWriteExt;

use crate::client_net::{Fate, ROOM, net, options, read_frame, until, up, write_frame};

#[tokio::test(start_paused = true)]
async fn bytes_that_are_not_the_protocols_are_one_endpoints_fault_until_all_have_sent_them() {
    for (good, bad) in [(true, &b"HTTP/1.1 502 Bad Gateway\r\n\r\n"[..]), (false, b"HTTP/1.1"), (true, &[0, 0, 0, 1])] {
        let (connect, mut net) = net(|_, _| Fate::Accept(ROOM));
        let (client, mut events) = Client::new(connect, EchoProtocol, options(&["proxy", "other"])).unwrap();
        up(&mut events).await;
        net.peer().await.write_all(bad).await.unwrap();
        let Event::Down { report, next_try } = until(&mut events, |event| matches!(event, Event::Down { .. })).await
        else {
            unreachable!()
        };
        assert_eq!(report.reason.reconnect(), Reconnect::No, "{report}");
        assert!(next_try.unwrap() <= Duration::from_millis(500), "paced by the backoff");
        let Event::Up { endpoint } = until(&mut events, |event| matches!(event, Event::Up { .. })).await else {
            unreachable!()
        };
        assert_eq!(&*endpoint, "other");
        let mut peer = net.peer().await;
        if good {
            let answer = client.send(b"hello".to_vec());
            let (kind, content) = read_frame(&mut peer).await.unwrap();
            write_frame(&mut peer, kind, &content).await;
            assert_eq!(answer.await, Verdict::Answered(b"hello".to_vec()));
        } else {
            peer.write_all(bad).await.unwrap();
            let Event::Closed { reason } = until(&mut events, |event| matches!(event, Event::Closed { .. })).await
            else {
                unreachable!()
            };
            assert_eq!(reason, report.reason);
            assert_eq!(net.attempts().len(), 2);
        }
    }
}
