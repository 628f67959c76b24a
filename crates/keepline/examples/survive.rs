//! Run with `cargo run -p keepline --example survive`: a client that outlives its server.

use keepline::client::{Client, EchoProtocol, Event, Options};
use keepline::{Duration, Settings, echo::Mirror, liveness::Heartbeat, serve::Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let served = Settings::new(Heartbeat::watch(Duration::from_secs(10))?);
    let mut server = Server::bind("127.0.0.1:0".parse()?, served.clone())?;
    let address = server.local_addr()?;
    let heartbeat = Heartbeat::client(Duration::from_secs(5), Duration::from_secs(5))?;
    let options = Options::new([address.to_string()], Settings::new(heartbeat));
    let (client, mut events) = Client::tcp(EchoProtocol, options)?;
    for life in ["first", "second"] {
        let handle = server.handle();
        let running = tokio::spawn(server.run(Mirror));
        while !matches!(events.next().await, Some(Event::Up { .. })) {}
        println!("{life} life: {:?}", client.send(life.into()).await);
        handle.drain(Duration::ZERO);
        running.await?; // The server is gone; the client does not mind.
        server = Server::bind(address, served.clone())?;
    }
    Ok(())
}
