//! Our own protocol as the load speaks it: it acknowledges what one read brought with one ack for each conversation.

use std::{borrow::Cow, time::Duration};

use keepline_proto::wire::{
    Codec as _, Decoded, Message as Kind,
    im::{
        Im, framed,
        v1::{self, frame::Body},
    },
};

use super::speech::{Cast, Heard, Message, Publish, Ready, Speech};

/// `KPL1`: what the first frame of a client carries.
const MAGIC: u32 = 0x314c_504b;

/// Clients of a keepline server.
#[derive(Clone, Debug)]
pub(super) struct V1<'a> {
    /// By client: its token.
    pub(super) tokens: &'a [String],
    /// Where publications go.
    pub(super) group: String,
}

/// What a connection remembers.
#[derive(Debug)]
pub(super) struct Voice {
    codec: Im,
    /// By conversation: the number up to which this read has brought everything.
    heard: Vec<(String, u64)>,
}

impl V1<'_> {
    /// Appends a message with an id of the caller's.
    pub(super) fn send(&self, conversation: &str, id: u128, body: &[u8], out: &mut Vec<u8>) {
        append(
            Body::Send(v1::Send {
                conversation: conversation.to_owned(),
                message_id: id.to_be_bytes().to_vec().into(),
                kind: v1::Kind::Custom.into(),
                body: body.to_vec().into(),
            }),
            out,
        );
    }
}

impl Speech for V1<'_> {
    type Voice = Voice;

    fn greet(&self, id: usize, out: &mut Vec<u8>) -> Voice {
        let token = self.tokens.get(id).cloned().unwrap_or_default();
        // The device is the token's.
        let hello = v1::Hello { token, ..v1::Hello::default() };
        write(&v1::Frame { magic: MAGIC, body: Some(Body::Hello(hello)) }, out);
        Voice { codec: Im::client(), heard: Vec::new() }
    }

    fn hear<'a>(
        &self,
        voice: &mut Voice,
        input: &'a [u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, Heard<'a>)>, String> {
        let wrong = |error: &dyn ToString| format!("the server's frame is none: {}", error.to_string());
        let (bytes, message) = match voice.codec.decode(input).map_err(|error| wrong(&error))? {
            Decoded::Frame { bytes, message } => (bytes, message),
            Decoded::Partial { .. } => return Ok(None),
            Decoded::Skip { bytes, .. } => return Ok(Some((bytes, Heard::Nothing))),
        };
        let frame = match message {
            Kind::Data(frame) => frame.v1().map_err(|error| wrong(&error))?,
            Kind::Ping(nonce) => {
                voice.codec.pong(nonce, out);
                return Ok(Some((bytes, Heard::Nothing)));
            }
            Kind::Pong(_) => return Ok(Some((bytes, Heard::Nothing))),
        };
        Ok(Some((bytes, heard(frame.body, &mut voice.heard))))
    }

    fn settle(&self, voice: &mut Voice, out: &mut Vec<u8>) {
        for (conversation, seq) in voice.heard.drain(..) {
            append(Body::DeliverAck(v1::DeliverAck { conversation, seq }), out);
        }
    }
}

impl Publish for V1<'_> {
    /// The first member publishes: he hears himself too, as every member does.
    fn cast(members: usize) -> Cast {
        Cast { connections: members, publisher: 0 }
    }

    fn publish(&self, number: u64, body: &[u8], out: &mut Vec<u8>) {
        self.send(&self.group, number.into(), body, out);
    }
}

fn heard(body: Option<Body>, acks: &mut Vec<(String, u64)>) -> Heard<'static> {
    match body {
        Some(Body::Welcome(welcome)) => Heard::Ready(Ready { durability: welcome.durability }),
        Some(Body::Deliver(deliver)) => {
            match acks.iter_mut().find(|(conversation, _)| *conversation == deliver.conversation) {
                Some((_, seq)) => *seq = deliver.seq,
                None => acks.push((deliver.conversation.clone(), deliver.seq)),
            }
            let body = Cow::Owned(deliver.body.into());
            Heard::Message(Message { conversation: deliver.conversation, seq: deliver.seq, body })
        }
        Some(Body::SendAck(ack)) => {
            let id = ack.message_id[..].try_into().map_or(0, u128::from_be_bytes);
            Heard::Stored { id, duplicate: ack.duplicate }
        }
        Some(Body::SendRefused(refused)) => Heard::Refused { code: refused.code },
        Some(Body::Close(close)) => {
            Heard::Farewell { reason: close.reason, retry_after: Duration::from_millis(close.retry_after_ms.into()) }
        }
        Some(Body::Gap(gap)) => Heard::farewell(format!("a gap in {}", gap.conversation)),
        _ => Heard::Nothing,
    }
}

fn append(body: Body, out: &mut Vec<u8>) {
    write(&v1::Frame { body: Some(body), ..v1::Frame::default() }, out);
}

/// Ours are small: none is over the limit.
fn write(frame: &v1::Frame, out: &mut Vec<u8>) {
    if let Ok(bytes) = framed(frame, Im::AFTER_LOGIN) {
        out.extend_from_slice(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver(conversation: &str, seq: u64) -> Vec<u8> {
        let mut out = Vec::new();
        append(
            Body::Deliver(v1::Deliver { conversation: conversation.into(), seq, ..v1::Deliver::default() }),
            &mut out,
        );
        out
    }

    #[test]
    fn a_hello_is_that_of_the_protocol() {
        let tokens = ["t-1".to_owned()];
        let mut out = Vec::new();
        let _ = V1 { tokens: &tokens, group: String::new() }.greet(0, &mut out);
        assert_eq!(out, b"\x0d\x82\x01\x05\x12\x03t-1\x7d\x4b\x50\x4c\x31");
    }

    #[test]
    fn one_ack_for_all_that_a_read_brought_of_a_conversation() {
        let speech = V1 { tokens: &[], group: String::new() };
        let mut voice = speech.greet(0, &mut Vec::new());
        let read = [deliver("g.a", 1), deliver("g.b", 7), deliver("g.a", 2)].concat();
        let mut at = 0;
        while let Some((bytes, heard)) = speech.hear(&mut voice, &read[at..], &mut Vec::new()).unwrap() {
            assert!(matches!(heard, Heard::Message(_)), "{heard:?}");
            at += bytes;
        }
        assert_eq!(at, read.len());
        let mut out = Vec::new();
        speech.settle(&mut voice, &mut out);
        assert_eq!(out, b"\x09\x5a\x07\x0a\x03g.a\x10\x02\x09\x5a\x07\x0a\x03g.b\x10\x07");
        out.clear();
        speech.settle(&mut voice, &mut out);
        assert!(out.is_empty(), "nothing twice");
    }

    #[test]
    fn a_ping_is_answered_with_its_nonce() {
        let speech = V1 { tokens: &[], group: String::new() };
        let (mut voice, mut out) = (speech.greet(0, &mut Vec::new()), Vec::new());
        let heard = speech.hear(&mut voice, b"\x07\x32\x05\x0d\x01\x02\x03\x04", &mut out);
        assert_eq!(heard, Ok(Some((8, Heard::Nothing))));
        assert_eq!(out, b"\x07\x3a\x05\x0d\x01\x02\x03\x04");
    }
}
