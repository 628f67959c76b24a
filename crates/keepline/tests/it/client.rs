//! A client that comes back.

use keepline::client::{Client, EchoProtocol, Event, NotSent, Options, Verdict};
use keepline::serve::Server;
use keepline::{Duration, Settings, echo::Mirror, liveness::Heartbeat};

#[tokio::test]
async fn messages_are_answered_and_a_restart_of_the_server_is_survived() {
    let settings = || Settings::new(Heartbeat::watch(Duration::from_secs(10)).unwrap());
    let serve = |address: &str| {
        let server = Server::bind(address.parse().unwrap(), settings()).unwrap();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        (address, handle, tokio::spawn(server.run(Mirror)))
    };
    let (address, first, running) = serve("127.0.0.1:0");
    let heartbeat = Heartbeat::client(Duration::from_secs(5), Duration::from_secs(5)).unwrap();
    let mut options = Options::new([address.to_string()], Settings::new(heartbeat));
    options.backoff =
        keepline::BackoffSettings::new(Duration::from_millis(10), Duration::from_millis(50), Duration::from_secs(1))
            .unwrap();
    let (client, mut events) = Client::tcp(EchoProtocol, options).unwrap();
    assert_eq!(client.send(b"early".to_vec()).await, Verdict::NotSent(NotSent::NotConnected));
    let mut server = Some((first, running));
    let mut ups = 0;
    while let Some(event) = events.next().await {
        if let Event::Up { .. } = event {
            ups += 1;
            assert_eq!(client.send(b"hello".to_vec()).await, Verdict::Answered(b"hello".to_vec()));
            if ups == 2 {
                client.close();
                continue;
            }
            let (handle, running) = server.take().unwrap();
            handle.drain(Duration::ZERO);
            running.await.unwrap();
            let (_, handle, running) = serve(&address.to_string());
            server = Some((handle, running));
        }
    }
    assert_eq!(ups, 2);
    assert_eq!(client.send(b"late".to_vec()).await, Verdict::NotSent(NotSent::Closed));
}
