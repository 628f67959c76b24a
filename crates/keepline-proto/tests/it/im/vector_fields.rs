//! The fields of a message as the vectors write them: each field, numbers as numbers, bytes in hex.

use keepline_proto::wire::im::cim;
use keepline_proto::wire::im::v1::frame::Body;
use keepline_proto::wire::im::v1::{Frame, Kind, Terms, hello::Role};
use serde_json::{Value, json};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn kind(number: i32) -> &'static str {
    Kind::try_from(number).map_or("?", |kind| kind.as_str_name())
}

fn terms(terms: &Terms) -> Value {
    json!({ "ping_after_ms": terms.ping_after_ms, "silence_ms": terms.silence_ms })
}

/// The body's name and its fields; `None` without a body.
pub(super) fn v1_fields(frame: &Frame) -> Option<(&'static str, Value)> {
    Some(match frame.body.as_ref()? {
        Body::Ping(it) => ("ping", json!({ "nonce": it.nonce })),
        Body::Pong(it) => ("pong", json!({ "nonce": it.nonce })),
        Body::Terms(it) => ("terms", terms(it)),
        Body::Hello(it) => (
            "hello",
            json!({
                "role": Role::try_from(it.role).map_or("?", |role| role.as_str_name()),
                "token": it.token, "device": it.device, "wish": it.wish.as_ref().map(terms),
            }),
        ),
        Body::Welcome(it) => (
            "welcome",
            json!({
                "session": it.session, "epoch": it.epoch, "terms": it.terms.as_ref().map(terms),
                "user": it.user, "node": it.node, "durability": it.durability,
            }),
        ),
        Body::GoAway(it) => ("go_away", json!({ "retry_after_ms": it.retry_after_ms, "nodes": it.nodes })),
        Body::Close(it) => {
            ("close", json!({ "code": it.code, "reason": it.reason, "retry_after_ms": it.retry_after_ms }))
        }
        body => conversation_fields(body)?,
    })
}

/// The bodies that are about the messages of a conversation.
fn conversation_fields(body: &Body) -> Option<(&'static str, Value)> {
    Some(match body {
        Body::Send(it) => (
            "send",
            json!({
                "conversation": it.conversation, "message_id": hex(&it.message_id),
                "kind": kind(it.kind), "body": hex(&it.body),
            }),
        ),
        Body::SendAck(it) => (
            "send_ack",
            json!({ "message_id": hex(&it.message_id), "seq": it.seq, "duplicate": it.duplicate, "at_ms": it.at_ms }),
        ),
        Body::SendRefused(it) => (
            "send_refused",
            json!({ "message_id": hex(&it.message_id), "code": it.code, "detail": it.detail, "retry": it.retry }),
        ),
        Body::Deliver(it) => (
            "deliver",
            json!({
                "conversation": it.conversation, "seq": it.seq, "sender": it.sender,
                "message_id": hex(&it.message_id), "kind": kind(it.kind), "body": hex(&it.body), "at_ms": it.at_ms,
            }),
        ),
        Body::DeliverAck(it) => ("deliver_ack", json!({ "conversation": it.conversation, "seq": it.seq })),
        Body::ReadMark(it) => ("read_mark", json!({ "conversation": it.conversation, "seq": it.seq })),
        Body::Resume(it) => ("resume", json!({ "conversation": it.conversation, "epoch": it.epoch, "seq": it.seq })),
        Body::Reset(it) => ("reset", json!({ "conversation": it.conversation, "epoch": it.epoch, "seq": it.seq })),
        Body::Gap(it) => ("gap", json!({ "conversation": it.conversation, "from": it.from, "to": it.to })),
        _ => return None,
    })
}

pub(super) fn cim_fields(frame: &cim::Frame) -> Value {
    json!({
        "text": frame.text, "id": frame.id, "command": frame.command,
        "properties": frame.properties, "batch": frame.batch,
    })
}
