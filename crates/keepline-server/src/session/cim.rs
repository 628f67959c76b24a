//! cim's frames: a message as its clients show it.

use std::collections::BTreeMap;

use bytes::Bytes;
use keepline_proto::wire::WireError;
use keepline_proto::wire::dialect::Dialect;
use keepline_proto::wire::im::{Im, cim, framed};

use crate::directory::Directory;
use crate::id::UserId;
use crate::message::{Kind, Message};

/// The most texts of one batch.
pub const BATCH: usize = 100;
/// The most bytes of texts of one batch; the rest of a frame is for the names.
const BATCH_BYTES: usize = 60 << 10;
/// What precedes each text of a batch: its tag, and its length in up to three bytes.
const TEXT_HEADER: usize = 4;

/// Who receives: which of the dialects he speaks, and his number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a choice and a number")]
pub struct Receiver {
    /// Which of cim's two.
    pub dialect: Dialect,
    /// The user's number, above 0.
    pub id: i64,
}

/// A message that was just said.
///
/// # Errors
/// It fits no frame, with the sender's name.
pub(super) fn live(to: Receiver, directory: &Directory, message: &Message) -> Result<Bytes, WireError> {
    framed(&single(to, &Sender::of(directory, &message.sender), text(message)), Im::AFTER_LOGIN)
}

/// Messages that were said while the user was away: one frame for each run of the same sender, as a frame names one
/// sender only, and within a frame's limits. Those that fit no frame are left out, with a log line.
pub(super) fn offline(to: Receiver, directory: &Directory, messages: &[Message]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in messages.chunk_by(|one, next| one.sender == next.sender) {
        let Some(first) = run.first() else { continue };
        let sender = Sender::of(directory, &first.sender);
        match to.dialect {
            Dialect::Cim1 => run.iter().for_each(|message| append(&single(to, &sender, text(message)), &mut out)),
            _ => batches(run).for_each(|texts| append(&batch(to, &sender, texts), &mut out)),
        }
    }
    out
}

/// The sender as cim names one.
struct Sender {
    id: i64,
    name: String,
}

impl Sender {
    fn of(directory: &Directory, user: &UserId) -> Self {
        let (id, name) = directory.cim_name(user);
        Self { id, name }
    }
}

/// The texts of one run, cut into batches.
fn batches(run: &[Message]) -> impl Iterator<Item = Vec<String>> {
    let mut rest = run;
    std::iter::from_fn(move || {
        let mut room = BATCH_BYTES;
        let fits = |message: &&Message| {
            let size = message.body.len() + TEXT_HEADER;
            let fits = size <= room;
            room = room.saturating_sub(size);
            fits
        };
        let count = rest.iter().take(BATCH).take_while(fits).count().max(1).min(rest.len());
        let (now, later) = rest.split_at(count);
        rest = later;
        (!now.is_empty()).then(|| now.iter().map(text).collect())
    })
}

fn append(frame: &cim::Frame, out: &mut Vec<u8>) {
    match framed(frame, Im::AFTER_LOGIN) {
        Ok(bytes) => out.extend_from_slice(&bytes),
        Err(error) => tracing::error!(%error, id = frame.id, "a message that fits no frame of cim is left out"),
    }
}

fn single(to: Receiver, sender: &Sender, text: String) -> cim::Frame {
    match to.dialect {
        // Every field is required there; a text with a name and a colon is never empty.
        Dialect::Cim1 => {
            cim::Frame { text: format!("{}:{text}", sender.name), id: to.id, command: 2, ..cim::Frame::default() }
        }
        _ => cim::Frame {
            text,
            id: to.id,
            command: cim::Command::Message as i32,
            properties: properties(to, sender),
            ..cim::Frame::default()
        },
    }
}

fn batch(to: Receiver, sender: &Sender, batch: Vec<String>) -> cim::Frame {
    cim::Frame {
        id: to.id,
        command: cim::Command::Offline as i32,
        properties: properties(to, sender),
        batch,
        ..cim::Frame::default()
    }
}

/// cim's client drops a frame without the receiver's number.
fn properties(to: Receiver, sender: &Sender) -> BTreeMap<String, String> {
    let all = [
        ("sendUserId", sender.id.to_string()),
        ("sendUserName", sender.name.clone()),
        ("receiveUserId", to.id.to_string()),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What cim's clients can show of a message: texts as they are, of anything else what it is.
fn text(message: &Message) -> String {
    match message.kind {
        Kind::Text => String::from_utf8_lossy(&message.body).into_owned(),
        Kind::Image => "[image]".to_owned(),
        Kind::File => "[file]".to_owned(),
        Kind::Custom => "[message of another kind]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of the batches of messages with bodies so long.
    fn cut(lengths: &[usize]) -> Vec<usize> {
        let messages: Vec<Message> = lengths
            .iter()
            .filter_map(|length| {
                let sender = "ann".parse().ok()?;
                Some(Message { sender, kind: Kind::Text, body: vec![b'x'; *length].into(), at_ms: 0 })
            })
            .collect();
        batches(&messages).map(|texts| texts.len()).collect()
    }

    #[test]
    fn a_batch_has_a_hundred_texts_at_the_most_and_fits_a_frame() {
        let table: [(Vec<usize>, Vec<usize>); 6] = [
            (vec![], vec![]),
            (vec![3; 100], vec![100]),
            (vec![3; 205], vec![100, 100, 5]),
            (vec![30_000; 5], vec![2, 2, 1]),
            // The largest message there is goes alone.
            (vec![1, 61_440, 1], vec![1, 1, 1]),
            (vec![0; 3], vec![3]),
        ];
        for (lengths, batches) in table {
            assert_eq!(cut(&lengths), batches, "{} messages", lengths.len());
        }
    }

    #[test]
    fn the_fullest_batch_fits_a_frame_with_the_longest_names() {
        let to = Receiver { dialect: Dialect::Cim21, id: i64::MAX };
        let sender = Sender { id: i64::MAX, name: "n".repeat(crate::accounts::cim::LONGEST_NAME) };
        for texts in [vec!["x".repeat(crate::message::LARGEST_BODY)], vec!["x".repeat(BATCH_BYTES / BATCH - 4); BATCH]]
        {
            assert!(framed(&batch(to, &sender, texts), Im::AFTER_LOGIN).is_ok());
        }
        let longest = "x".repeat(crate::message::LARGEST_BODY);
        for dialect in [Dialect::Cim21, Dialect::Cim1] {
            assert!(framed(&single(Receiver { dialect, ..to }, &sender, longest.clone()), Im::AFTER_LOGIN).is_ok());
        }
    }
}
