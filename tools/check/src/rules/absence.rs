//! `lost`, the readers' half of `gap`, and what nobody looked for: messages that a reader should have.
//!
//! Readers are the devices that had their time to catch up at the end, and the final reading of the store. What a reader
//! must have is only what is certain: of a device, the messages that others sent after its first login was answered and
//! its user's join was, if that user did not leave again. What a device was told is gone is not missing there (whether
//! that was true, `false_gap` judges), and what retention may have dropped is not missing in the store.

use super::Rule;
use crate::event::{Device, Key};
use crate::index::{Account, Conversation, End, Inbox, Index, Message, Outcome, Reading};
use crate::names::Name;
use crate::report::{Counter, Report};

/// A message that was seen with two numbers is a fork; any of them will do here. Of two messages with one number, the
/// readers of that number have one: which, a fork leaves open, but not of a message that nobody ever saw.
#[derive(Debug)]
pub(super) struct Absence;

impl Rule for Absence {
    fn finish(&mut self, index: &Index, report: &mut Report) {
        let mut messages: Vec<_> = index.messages.iter().map(|(key, message)| (*key, message)).collect();
        messages.sort_unstable_by_key(|(key, _)| *key);
        for messages in messages.chunk_by(|(one, _), (next, _)| one.conv == next.conv) {
            let readers = Readers::of(messages[0].0.conv, index);
            for (key, message) in messages {
                readers.judge(*key, message, index, report);
            }
        }
        for (conv, facts) in &index.convs {
            if facts.reading == Reading::Failed {
                report.add(Counter::Unread, || index.names.text(*conv).to_owned());
            }
            if !index.members.known(*conv) {
                report.add(Counter::Memberless, || index.names.text(*conv).to_owned());
            }
        }
        for (device, account) in &index.devices {
            if account.end == End::Unknown {
                report.add(Counter::Undrained, || index.device_name(*device));
            }
        }
    }
}

/// Who must have the messages of one conversation.
struct Readers<'a> {
    /// The store, if its conversation was read to the end.
    store: Option<&'a Conversation>,
    devices: Vec<Reader<'a>>,
}

struct Reader<'a> {
    device: Device,
    /// It must have what was sent after this.
    since: u64,
    /// `None`: it never took anything of the conversation.
    inbox: Option<&'a Inbox>,
}

impl<'a> Readers<'a> {
    fn of(conv: Name, index: &'a Index) -> Self {
        let reader = |(device, account): (&Device, &'a Account)| {
            let joined = index.members.certain_since(conv, device.user)?;
            let since = joined.max(account.first_login?);
            let inbox = account.inboxes.get(&conv);
            (account.end == End::Drained).then_some(Reader { device: *device, since, inbox })
        };
        Self {
            store: index.convs.get(&conv).filter(|conv| conv.reading == Reading::Whole),
            devices: index.devices.iter().filter_map(reader).collect(),
        }
    }

    /// Asks every reader, and counts each that lacks the message.
    fn judge(&self, key: Key, message: &Message, index: &Index, report: &mut Report) {
        let counter = match message.outcome() {
            Outcome::Acked => Counter::Lost,
            Outcome::Unknown if message.seen => Counter::Gap,
            // Not there is right, and there is judged as resurrected or unexpected.
            Outcome::Unknown | Outcome::Refused | Outcome::NeverSent => return,
        };
        let Some(sent) = message.sent else { return };
        let any = |has: &dyn Fn(u64) -> bool| message.seqs.iter().any(|seq| has(*seq));
        let gone = |inbox: &Inbox| any(&|seq| inbox.announced.contains(seq));
        let example = |place: &str| {
            let seqs: Vec<String> = message.seqs.iter().map(u64::to_string).collect();
            format!("{} seq {} {place}", index.message_name(key), seqs.join(", "))
        };
        if let Some(store) = self.store
            && !any(&|seq| seq <= store.dropped)
            && !(message.seen && any(&|seq| store.stored.contains(seq)))
        {
            report.add(counter, || example("in the store"));
        }
        let mut asked = self.store.is_some();
        for reader in self.devices.iter().filter(|reader| reader.device != sent.by && reader.since < sent.at) {
            asked = true;
            let has = |inbox: &Inbox| message.seen && any(&|seq| inbox.delivered.contains(seq));
            if !reader.inbox.is_some_and(|inbox| has(inbox) || gone(inbox)) {
                report.add(counter, || example(&format!("at {}", index.device_name(reader.device))));
            }
        }
        if !asked && !message.seen {
            report.add(Counter::Unverified, || example("anywhere"));
        }
    }
}
