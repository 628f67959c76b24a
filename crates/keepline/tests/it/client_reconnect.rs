//! When and where a client comes back: paced, spread, in order of preference, and never after the end.

use std::io::ErrorKind;
use std::time::Duration as StdDuration;

use keepline::backoff::Backoff;
use keepline::client::{Client, EchoProtocol, Event, NotSent, Verdict};
use keepline::{BackoffSettings, Duration, Reason, Reconnect};
use tokio::time::Instant;

use crate::client_net::{Fate, Marked, ROOM, marked, net, next, options, read_frame, settle, until, up, write_frame};

const HOUR: StdDuration = StdDuration::from_secs(3600);
/// A timer of the runtime rounds up to the millisecond.
const GRAIN: StdDuration = StdDuration::from_millis(2);

/// The waits that the backoff predicts for lines and attempts that never become stable.
fn predicted(seed: u64, count: usize) -> Vec<StdDuration> {
    let mut backoff = Backoff::new(BackoffSettings::default(), seed);
    (0..count).map(|_| backoff.on_down(keepline::Instant::START, None).to_std()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_or_closes_at_once_is_tried_as_the_backoff_says_for_an_hour() {
    for fate in [Fate::Refuse, Fate::AcceptAndClose, Fate::Panic] {
        let (connect, net) = net(move |_, _| fate);
        let (_client, _events) = Client::new(connect, EchoProtocol, options(&["a"])).unwrap();
        tokio::time::sleep(HOUR).await;
        let times = net.times();
        // 30 s at most and 15 s on average, after the first few.
        assert!((200..300).contains(&times.len()), "{} attempts in an hour, {fate:?}", times.len());
        for (i, (pair, wait)) in times.windows(2).zip(predicted(7, times.len())).enumerate() {
            let gap = pair[1] - pair[0];
            assert!((wait..=wait + GRAIN).contains(&gap), "wait {i} was {gap:?} instead of {wait:?}, {fate:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_ten_minutes_down_the_client_is_back_within_one_cap() {
    for seed in 0..20 {
        let start = Instant::now();
        let outage = StdDuration::from_secs(600);
        let (connect, mut net) =
            net(move |_, _| if start.elapsed() < outage { Fate::Refuse } else { Fate::Accept(ROOM) });
        let mut options = options(&["a"]);
        options.seed = Some(seed);
        let (_client, mut events) = Client::new(connect, EchoProtocol, options).unwrap();
        up(&mut events).await;
        let back = start.elapsed() - outage;
        assert!(back <= StdDuration::from_secs(30) + GRAIN, "{back:?} after the return, seed {seed}");
        drop(net.peer().await);
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_retries_of_a_thousand_clients_spread_over_the_window() {
    const CLIENTS: u64 = 1000;
    const BUCKETS: usize = 10;
    let mut clients = Vec::new();
    for seed in 0..CLIENTS {
        let (connect, mut net) = net(|_, n| if n == 0 { Fate::Accept(64) } else { Fate::Swallow });
        let mut options = options(&["a"]);
        options.seed = Some(seed);
        let (client, mut events) = Client::new(connect, EchoProtocol, options).unwrap();
        up(&mut events).await;
        let peer = net.peer().await;
        clients.push((client, net, peer));
    }
    let start = Instant::now();
    let alive: Vec<_> = clients
        .into_iter()
        .map(|(client, net, peer)| {
            drop(peer);
            (client, net)
        })
        .collect();
    tokio::time::sleep(StdDuration::from_secs(1)).await;
    let mut buckets = [0_u32; BUCKETS];
    for (_, net) in &alive {
        let wait = net.times()[1] - start;
        buckets[(wait.as_millis() as usize / 50).min(BUCKETS - 1)] += 1;
    }
    let expected = CLIENTS as f64 / BUCKETS as f64;
    let chi: f64 = buckets.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
    // 9 degrees of freedom: one run in a thousand is above this by chance, and the seeds are fixed.
    assert!(chi < 27.9, "chi-square {chi:.1}: {buckets:?}");
}

#[tokio::test(start_paused = true)]
async fn clones_of_one_options_do_not_come_back_together() {
    let mut options = options(&["a"]);
    options.seed = None;
    let mut gaps = Vec::new();
    for _ in 0..2 {
        let (connect, net) = net(|_, _| Fate::Refuse);
        let start = Instant::now();
        let (_client, _events) = Client::new(connect, EchoProtocol, options.clone()).unwrap();
        tokio::time::sleep(HOUR).await;
        gaps.push(net.times()[1..6].iter().map(|at| *at - start).collect::<Vec<_>>());
    }
    assert_ne!(gaps[0], gaps[1]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_senders_at_the_start_share_one_line() {
    let (connect, mut net) = net(|_, _| Fate::Accept(ROOM));
    let (client, mut events) = Client::new(connect, EchoProtocol, options(&["a"])).unwrap();
    for _ in 0..100 {
        assert_eq!(client.send(b"early".to_vec()).await, Verdict::NotSent(NotSent::NotConnected));
    }
    let Some(Event::Connecting { .. }) = events.next().await else { panic!() };
    let Some(Event::Up { .. }) = events.next().await else { panic!() };
    // Who hears that the line is up can send, without another turn of anyone.
    let senders: Vec<_> = (0..100_u8)
        .map(|i| {
            let client = client.clone();
            tokio::spawn(async move { client.send(vec![i]).await })
        })
        .collect();
    let mut peer = net.peer().await;
    for _ in 0..100 {
        let (kind, content) = read_frame(&mut peer).await.unwrap();
        write_frame(&mut peer, kind, &content).await;
    }
    for (i, sender) in senders.into_iter().enumerate() {
        assert_eq!(sender.await.unwrap(), Verdict::Answered(vec![i as u8]));
    }
    assert_eq!(net.attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_list_is_walked_in_order_and_begun_anew_after_a_stable_line() {
    let fate = |endpoint: &str, _| match endpoint {
        "refuses" => Fate::Refuse,
        "swallows" => Fate::Swallow,
        "closes" => Fate::AcceptAndClose,
        _ => Fate::Accept(ROOM),
    };
    let list = ["refuses", "swallows", "closes", "silent", "good", "spare"];
    let (connect, mut net) = net(fate);
    let (_client, mut events) = Client::new(connect, EchoProtocol, options(&list)).unwrap();
    let good = |event: &Event| matches!(event, Event::Up { endpoint } if &**endpoint == "good");
    let mut silent = None;
    let mut swallowed = None;
    for event in 0.. {
        assert!(event < 100, "the good one is not tried");
        match next(&mut events).await {
            Event::Failed { endpoint, error, .. } if &*endpoint == "swallows" => swallowed = Some(error),
            Event::Up { endpoint } if &*endpoint == "silent" => silent = Some(net.peer().await),
            event if good(&event) => break,
            _ => {}
        }
    }
    let swallowed = swallowed.unwrap();
    assert_eq!((swallowed.kind(), &*swallowed.to_string()), (ErrorKind::TimedOut, "no connection within 10s"));
    let tried: Vec<_> = net.attempts().into_iter().map(|(_, endpoint)| endpoint).collect();
    assert_eq!(tried, list[..5]);
    drop(silent);
    let mut peer = net.peer().await;
    let stable = Instant::now();
    while stable.elapsed() < StdDuration::from_secs(31) {
        if let Some((1, _)) = read_frame(&mut peer).await {
            write_frame(&mut peer, 2, b"").await;
        }
    }
    drop(peer);
    let Event::Connecting { endpoint, attempt } =
        until(&mut events, |event| matches!(event, Event::Connecting { .. })).await
    else {
        unreachable!()
    };
    assert_eq!((&*endpoint, attempt), ("refuses", 1));
}

#[tokio::test(start_paused = true)]
async fn every_goodbye_is_obeyed_as_the_table_of_reasons_says() {
    for &reason in Reason::ALL {
        let (client, mut events, net, mut peer) = marked(options(&["a"])).await;
        write_frame(&mut peer, Marked::GOODBYE, &reason.code().to_be_bytes()).await;
        let Event::Down { report, next_try } = until(&mut events, |event| matches!(event, Event::Down { .. })).await
        else {
            unreachable!()
        };
        assert_eq!(report.reason, reason);
        match reason.reconnect() {
            Reconnect::Yes => assert!(next_try.unwrap() <= Duration::from_millis(500), "{reason}"),
            Reconnect::After(after) => assert!(next_try.unwrap() >= after, "{reason}"),
            Reconnect::No => {
                assert_eq!(next_try, None, "{reason}");
                let Some(Event::Closed { reason: said }) = events.next().await else { panic!("{reason}") };
                assert_eq!(said, reason);
                assert!(events.next().await.is_none(), "Closed is the last");
                assert_eq!(client.send(b"x".to_vec()).await, Verdict::NotSent(NotSent::Closed));
                assert_eq!(client.next_push().await, None);
                tokio::time::sleep(HOUR).await;
                assert_eq!(net.attempts().len(), 1, "{reason}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_servers_hint_puts_the_next_try_off() {
    let (_client, mut events, net, mut peer) = marked(options(&["a"])).await;
    let goodbye = [&Reason::Draining.code().to_be_bytes()[..], &[60]].concat();
    write_frame(&mut peer, Marked::GOODBYE, &goodbye).await;
    let down = until(&mut events, |event| matches!(event, Event::Down { .. })).await;
    let start = Instant::now();
    let Event::Down { next_try: Some(wait), .. } = down else { panic!("{down:?}") };
    let hint = Duration::from_secs(60);
    assert!((hint..=hint + Duration::from_millis(500)).contains(&wait), "{wait}");
    up(&mut events).await;
    let waited = net.times()[1] - start;
    assert!((wait.to_std()..=wait.to_std() + GRAIN).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_close_in_any_state_is_for_good_and_said_last() {
    // What the client is doing when it is closed: connecting, waiting, up, or past a line.
    for (fate, after) in
        [(Fate::Swallow, 1), (Fate::Refuse, 20_000), (Fate::Accept(ROOM), 1), (Fate::AcceptAndClose, 20_000)]
    {
        for drop_it in [false, true] {
            let (connect, net) = net(move |_, _| fate);
            let (client, mut events) = Client::new(connect, EchoProtocol, options(&["a"])).unwrap();
            let clone = client.clone();
            drop(client);
            tokio::time::sleep(StdDuration::from_millis(after)).await;
            let attempts = net.attempts().len();
            let start = Instant::now();
            if drop_it {
                drop(clone);
            } else {
                clone.close();
                clone.close();
            }
            let mut last = None;
            while let Some(event) = events.next().await {
                assert!(!matches!(last, Some(Event::Closed { .. })), "{event:?} after the end");
                last = Some(event);
            }
            assert!(matches!(last, Some(Event::Closed { reason: Reason::Bye })), "{last:?}, {fate:?}");
            // The peer keeps its end of the line; the linger is 1 s, and the wheel one slot late.
            assert!(start.elapsed() <= StdDuration::from_millis(1101), "{:?}, {fate:?}", start.elapsed());
            tokio::time::sleep(HOUR).await;
            assert_eq!(net.attempts().len(), attempts, "{fate:?}");
            settle().await;
        }
    }
}

/// Closes its client when the line ends.
#[derive(Default)]
struct OneLine(std::sync::OnceLock<Client<EchoProtocol>>);

impl keepline::Observer for OneLine {
    fn on_close(&self, _: &keepline::Report) {
        if let Some(client) = self.0.get() {
            client.close();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_that_meets_the_lines_own_end_is_still_a_bye() {
    let only = std::sync::Arc::new(OneLine::default());
    let mut options = options(&["a"]);
    options.settings.observer = Some(only.clone());
    let (connect, mut net) = net(|_, _| Fate::Accept(ROOM));
    let (client, mut events) = Client::new(connect, EchoProtocol, options).unwrap();
    assert!(only.0.set(client).is_ok());
    up(&mut events).await;
    drop(net.peer().await);
    let Some(Event::Down { report, next_try: None }) = events.next().await else { panic!("it would come back") };
    assert_eq!(report.reason, Reason::PeerClosed);
    let Some(Event::Closed { reason }) = events.next().await else { panic!("it is not closed") };
    assert_eq!(reason, Reason::Bye);
}
