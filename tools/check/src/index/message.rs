//! `Message`: what is known of one message, over all attempts to send it and all who saw it.

use crate::event::Device;
use crate::record::BodyHash;

/// One message of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// Its first attempt; `None` of a message that nobody sent.
    pub(crate) sent: Option<Sent>,
    /// How often a send of it began.
    pub(crate) attempts: u32,
    /// How many attempts were refused.
    pub(crate) refusals: u32,
    pub(crate) acked: bool,
    /// An application took it, or it was found in the store.
    pub(crate) seen: bool,
    /// The numbers it was seen with: one, from an honest server.
    pub(crate) seqs: Vec<u64>,
}

/// The first attempt to send a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) at: u64,
    pub(crate) by: Device,
    pub(crate) body: BodyHash,
}

/// What the sender knows of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// At least one attempt was acknowledged.
    Acked,
    /// Each attempt was refused: it must not exist.
    Refused,
    /// An attempt was left without an answer: it may exist, and may not.
    Unknown,
    /// Nobody sent it.
    NeverSent,
}

impl Message {
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self { sent: None, .. } => Outcome::NeverSent,
            Self { acked: true, .. } => Outcome::Acked,
            Self { attempts, refusals, .. } if refusals >= attempts => Outcome::Refused,
            _ => Outcome::Unknown,
        }
    }

    pub(crate) fn invoke(&mut self, at: u64, by: Device, body: BodyHash) {
        self.attempts += 1;
        self.sent.get_or_insert(Sent { at, by, body });
    }

    pub(crate) fn number(&mut self, seq: u64) {
        if !self.seqs.contains(&seq) {
            self.seqs.push(seq);
        }
    }
}
