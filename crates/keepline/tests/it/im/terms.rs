//! The heartbeat under the server's terms.

use std::time::Duration as StdDuration;

use keepline::Duration;
use keepline::im::{Event, Terms};
use keepline::wire::im::v1::{self, frame::Body};

use super::server::{Said, Server, chat, next, options, welcome};

fn stated(ping_after_ms: u32, silence_ms: u32) -> v1::Terms {
    v1::Terms { ping_after_ms, silence_ms }
}

#[tokio::test(start_paused = true)]
async fn the_wish_is_said_and_the_servers_word_holds_from_then_on() {
    let secs = Duration::from_secs;
    let mut options = options();
    options.wish = Some(Terms { ping_after: secs(60), silence: secs(150) });
    let (chat, mut events, mut net) = chat(options);
    let mut server = Server::accept(&mut net).await;
    let Said::Body(Body::Hello(hello)) = server.next().await else { panic!() };
    assert_eq!((&*hello.token, &*hello.device, hello.wish), ("t-1", "phone", Some(stated(60_000, 150_000))));
    server.say(Body::Welcome(v1::Welcome { terms: Some(stated(10_000, 30_000)), ..welcome(1) })).await;
    assert!(server.hears_nothing_for(StdDuration::from_secs(100)).await);
    // The first leaves early, so that those of many chats do not stay together.
    assert!((10..=11).contains(&server.pings), "{} pings in 100 s", server.pings);
    server.say(Body::Terms(stated(50_000, 120_000))).await;
    let terms = |event: &Event| if let Event::Terms(terms) = event { Some(*terms) } else { None };
    assert_eq!(next(&mut events, terms).await, Terms { ping_after: secs(50), silence: secs(120) });
    assert_eq!(chat.state().terms.map(|terms| terms.ping_after), Some(secs(50)));
    server.pings = 0;
    assert!(server.hears_nothing_for(StdDuration::from_secs(1000)).await);
    assert!((19..=21).contains(&server.pings), "{} pings in 1000 s", server.pings);
    assert!(chat.state().rtt.is_some());
}
