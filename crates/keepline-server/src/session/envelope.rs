//! Envelope: a stored message on its way to many sessions, encoded once.

use std::sync::OnceLock;

use bytes::Bytes;
use keepline_proto::wire::im::{Im, framed, v1};

use crate::conversation::Conversation;
use crate::id::MessageId;
use crate::message::Message;
use crate::store::{Record, StoreError};

/// More than a frame has besides the body: the names and numbers of a message.
const NAMES: usize = 512;

/// A stored message on its way to many sessions.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) conversation: Conversation,
    pub(crate) seq: u64,
    pub(crate) id: MessageId,
    pub(crate) message: Message,
    /// The frame of our own protocol, made when the first session asks; `None` inside if it fits no frame.
    frame: OnceLock<Option<Bytes>>,
}

impl Envelope {
    /// The message of a record.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for a record that is no message.
    pub(crate) fn open(conversation: Conversation, record: &Record) -> Result<Self, StoreError> {
        let (id, message) = Message::from_record(record)?;
        Ok(Self { conversation, seq: record.seq, id, message, frame: OnceLock::new() })
    }

    /// What it counts in a session's window, in bytes: no less than its frame has.
    pub(crate) fn weight(&self) -> usize {
        self.message.body.len() + NAMES
    }

    /// The frame of our own protocol, with its length; `None` if no receiver would take one so large.
    pub(crate) fn frame(&self) -> Option<Bytes> {
        self.frame.get_or_init(|| self.encode()).clone()
    }

    fn encode(&self) -> Option<Bytes> {
        let deliver = v1::Deliver {
            conversation: self.conversation.to_string(),
            seq: self.seq,
            sender: self.message.sender.to_string(),
            message_id: Bytes::copy_from_slice(&self.id.to_bytes()),
            kind: self.message.kind as i32,
            body: self.message.body.clone(),
            at_ms: self.message.at_ms,
        };
        frame(v1::frame::Body::Deliver(deliver))
    }
}

/// A frame of our own protocol, with its length.
pub(crate) fn frame(body: v1::frame::Body) -> Option<Bytes> {
    let frame = v1::Frame { body: Some(body), ..v1::Frame::default() };
    framed(&frame, Im::AFTER_LOGIN)
        .inspect_err(|error| tracing::error!(%error, "a frame that no receiver would take"))
        .ok()
}
