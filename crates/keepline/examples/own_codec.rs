//! Run with `cargo run -p keepline --example own_codec`: a frame format of your own, with a nonce in its heartbeats, so
//! that every pong tells its round trip.
//!
//! One byte for the kind, one for the length, then the content: `P` and `Q` are ping and pong with a nonce of four
//! bytes, `T` is text.

use std::str;

use keepline::client::{Client, Event, Incoming, Options, Protocol, Verdict};
use keepline::serve::Server;
use keepline::wire::{Codec, Decoded, Message, WireError};
use keepline::{Beat, Duration, Flow, Handler, Settings, Turn, liveness::Heartbeat};

/// The codec: a ping carries its nonce, and so the driver knows which pong answers it.
#[derive(Clone, Copy, Debug, Default)]
struct Short;

impl Codec for Short {
    type Frame<'a> = &'a str;

    fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<&'a str>, WireError> {
        let [kind, length, rest @ ..] = input else { return Ok(Decoded::Partial { announced: 0 }) };
        let bytes = 2 + usize::from(*length);
        let Some(content) = rest.get(..bytes - 2) else { return Ok(Decoded::Partial { announced: bytes as u64 }) };
        let nonce = || content.try_into().map(u32::from_be_bytes).map_err(|_| malformed("a nonce has four bytes"));
        let message = match kind {
            b'P' => Message::Ping(Some(nonce()?)),
            b'Q' => Message::Pong(Some(nonce()?)),
            b'T' => Message::Data(str::from_utf8(content).map_err(|_| malformed("text that is no UTF-8"))?),
            _ => return Err(malformed("an unknown kind of frame")),
        };
        Ok(Decoded::Frame { bytes, message })
    }

    fn encode(&mut self, text: &str, out: &mut Vec<u8>) -> Result<(), WireError> {
        let too_large = |_| WireError::TooLarge { length: text.len() as u64, limit: u8::MAX.into() };
        let length = u8::try_from(text.len()).map_err(too_large)?;
        out.extend_from_slice(&[b'T', length]);
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn ping(&mut self, nonce: Option<u32>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"P\x04");
        out.extend_from_slice(&nonce.unwrap_or(0).to_be_bytes());
    }

    fn pong(&mut self, nonce: Option<u32>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"Q\x04");
        out.extend_from_slice(&nonce.unwrap_or(0).to_be_bytes());
    }
}

const fn malformed(what: &'static str) -> WireError {
    WireError::Malformed { what }
}

/// The server's side: answers in capitals.
struct Shout;

impl Handler for Shout {
    type Codec = Short;

    fn on_frame(&mut self, text: &str, turn: &mut Turn<'_, Short>) -> Flow {
        turn.reply(&text.to_uppercase())
    }
}

/// The client's side: one answer for each message, in order.
struct Ask;

impl Protocol for Ask {
    type Codec = Short;
    type Message = &'static str;
    type Answer = String;

    fn codec(&mut self) -> Short {
        Short
    }

    fn encode(&mut self, _: u64, text: &'static str, codec: &mut Short, out: &mut Vec<u8>) -> Result<(), WireError> {
        codec.encode(text, out)
    }

    fn on_frame(&mut self, text: &str) -> Incoming<String> {
        Incoming::Answer(text.to_owned())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::bind("127.0.0.1:0".parse()?, Settings::new(Heartbeat::watch(Duration::from_secs(10))?))?;
    let address = server.local_addr()?;
    drop(tokio::spawn(server.run(|_| (Shout, Short))));
    // Impatient, so that there is something to see: a ping after 200 ms of quiet.
    let heartbeat = Heartbeat::client(Duration::from_millis(200), Duration::from_millis(200))?;
    let (client, mut events) = Client::tcp(Ask, Options::new([address.to_string()], Settings::new(heartbeat)))?;
    while let Some(event) = events.next().await {
        match event {
            Event::Up { .. } => match client.send("hello").await {
                Verdict::Answered(answer) => println!("answer: {answer}"),
                other => println!("no answer: {other:?}"),
            },
            Event::Beat(Beat::PongReceived(Some(round_trip))) => {
                println!("round trip: {round_trip}");
                client.close();
            }
            _ => {}
        }
    }
    Ok(())
}
