//! As much of MQTT 3.1.1 (OASIS standard, 2014) as a fan-out at QoS 0 needs: CONNECT, SUBSCRIBE, PUBLISH.

use std::borrow::Cow;

use super::speech::{Cast, Heard, Message, Publish, Ready, Speech};

const TOPIC: &str = "bench";

/// Clients of a broker: the first ones subscribe, and one behind them publishes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mqtt {
    /// How many subscribe.
    pub(super) members: usize,
}

/// What one connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Subscriber,
    Publisher,
}

impl Speech for Mqtt {
    type Voice = Part;

    fn greet(&self, id: usize, out: &mut Vec<u8>) -> Part {
        let name = format!("b{id}");
        // Protocol level 4, a clean session, no keep-alive.
        let mut connect = b"\x00\x04MQTT\x04\x02\x00\x00".to_vec();
        text(&name, &mut connect);
        packet(0x10, &connect, out);
        if id >= self.members {
            return Part::Publisher;
        }
        let mut subscribe = vec![0, 1];
        text(TOPIC, &mut subscribe);
        subscribe.push(0);
        packet(0x82, &subscribe, out);
        Part::Subscriber
    }

    fn hear<'a>(
        &self,
        part: &mut Part,
        input: &'a [u8],
        _: &mut Vec<u8>,
    ) -> Result<Option<(usize, Heard<'a>)>, String> {
        let Some((header, length)) = header(input)? else { return Ok(None) };
        let Some(body) = input.get(header..header + length) else { return Ok(None) };
        let heard = match (input[0] >> 4, body, *part) {
            // CONNACK, accepted; a subscriber goes on to its SUBACK.
            (2, [_, 0], Part::Publisher) => Heard::Ready(Ready::default()),
            (2, [_, 0], Part::Subscriber) => Heard::Nothing,
            (2, [_, code], _) => Heard::farewell(format!("CONNACK {code}")),
            (9, [.., 0], _) => Heard::Ready(Ready::default()),
            (9, ..) => Heard::farewell("SUBACK without QoS 0"),
            (3, [high, low, rest @ ..], _) => {
                let topic = usize::from(u16::from_be_bytes([*high, *low]));
                let body = rest.get(topic..).ok_or("a PUBLISH that is shorter than its topic")?;
                Heard::Message(Message { conversation: String::new(), seq: 0, body: Cow::Borrowed(body) })
            }
            (kind, ..) => return Err(format!("the broker sent a packet of type {kind}")),
        };
        Ok(Some((header + length, heard)))
    }
}

impl Publish for Mqtt {
    fn cast(members: usize) -> Cast {
        Cast { connections: members + 1, publisher: members }
    }

    fn publish(&self, _: u64, body: &[u8], out: &mut Vec<u8>) {
        let mut publish = Vec::with_capacity(2 + TOPIC.len() + body.len());
        text(TOPIC, &mut publish);
        publish.extend_from_slice(body);
        packet(0x30, &publish, out);
    }
}

/// The bytes of the fixed header, and of what is behind it; `None` if it is not whole.
fn header(input: &[u8]) -> Result<Option<(usize, usize)>, String> {
    let mut length = 0;
    for (place, byte) in input.iter().skip(1).take(4).enumerate() {
        length |= usize::from(byte & 0x7f) << (7 * place);
        if *byte < 0x80 {
            return Ok(Some((place + 2, length)));
        }
    }
    if input.len() < 5 { Ok(None) } else { Err("a packet whose length has more than four bytes".into()) }
}

fn packet(first: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(first);
    let mut rest = body.len();
    loop {
        let byte = (rest & 0x7f) as u8;
        rest >>= 7;
        if rest == 0 {
            out.push(byte);
            break;
        }
        out.push(byte | 0x80);
    }
    out.extend_from_slice(body);
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greetings_are_byte_exact() {
        let (mqtt, mut out) = (Mqtt { members: 1 }, Vec::new());
        assert_eq!(mqtt.greet(0, &mut out), Part::Subscriber);
        assert_eq!(out, b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02b0\x82\x0a\x00\x01\x00\x05bench\x00");
        out.clear();
        assert_eq!(mqtt.greet(1, &mut out), Part::Publisher);
        assert_eq!(out, b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02b1");
    }

    #[test]
    fn what_is_published_is_heard_however_it_is_cut() {
        let (mqtt, body) = (Mqtt { members: 1 }, [7; 200]);
        let mut frame = Vec::new();
        mqtt.publish(0, &body, &mut frame);
        for cut in 0..frame.len() {
            assert_eq!(mqtt.hear(&mut Part::Subscriber, &frame[..cut], &mut Vec::new()), Ok(None), "cut at {cut}");
        }
        let heard = mqtt.hear(&mut Part::Subscriber, &frame, &mut Vec::new());
        let message = Message { conversation: String::new(), seq: 0, body: Cow::Borrowed(&body[..]) };
        assert_eq!(heard, Ok(Some((frame.len(), Heard::Message(message)))));
    }

    #[test]
    fn only_an_accepted_client_is_ready() {
        let ready = || Heard::Ready(Ready::default());
        for (part, bytes, want) in [
            (Part::Subscriber, &b"\x20\x02\x00\x00"[..], Heard::Nothing),
            (Part::Publisher, b"\x20\x02\x00\x00", ready()),
            (Part::Publisher, b"\x20\x02\x00\x05", Heard::farewell("CONNACK 5")),
            (Part::Subscriber, b"\x90\x03\x00\x01\x00", ready()),
            (Part::Subscriber, b"\x90\x03\x00\x01\x80", Heard::farewell("SUBACK without QoS 0")),
        ] {
            let heard = Mqtt { members: 1 }.hear(&mut part.clone(), bytes, &mut Vec::new());
            assert_eq!(heard, Ok(Some((bytes.len(), want))), "{part:?} {bytes:?}");
        }
        assert!(Mqtt { members: 1 }.hear(&mut Part::Subscriber, b"\xd0\x00", &mut Vec::new()).is_err());
    }
}
