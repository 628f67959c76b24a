//! `Index`: the facts of a history so far, without a judgement.

mod members;
mod message;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::event::{Device, Event, Key, Kind, Seen};
use crate::names::{Name, Names};
use crate::ranges::Ranges;

pub(crate) use members::Members;
pub(crate) use message::{Message, Outcome};

/// What the rules ask. A rule sees an event before the index has taken it.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) names: Names,
    pub(crate) messages: HashMap<Key, Message>,
    pub(crate) devices: BTreeMap<Device, Account>,
    pub(crate) members: Members,
    pub(crate) convs: BTreeMap<Name, Conversation>,
    /// The processes that wrote anything.
    pub(crate) processes: HashSet<Name>,
}

/// One device, and what it has.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// When its first login was answered. What was sent before need not reach it.
    pub(crate) first_login: Option<u64>,
    pub(crate) end: End,
    pub(crate) inboxes: HashMap<Name, Inbox>,
}

/// What is known of a device at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// Whether it had its time to catch up is not known: what it lacks says nothing.
    #[default]
    Unknown,
    Drained,
    LeftBehind,
}

/// The messages of one conversation at one device.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Given by the server.
    pub(crate) received: Ranges,
    /// Taken by the application.
    pub(crate) delivered: Ranges,
    /// Said by the server to be gone for good.
    pub(crate) announced: Ranges,
}

/// One conversation, over all readers and acknowledgements.
#[derive(Debug, Default)]
pub(crate) struct Conversation {
    /// Which message has a number, by the first that said so.
    pub(crate) log: HashMap<u64, Key>,
    /// The numbers that any reader saw, any acknowledgement named, any announcement gave up, or retention may have
    /// dropped.
    pub(crate) numbers: Ranges,
    /// The numbers that the store's reading found.
    pub(crate) stored: Ranges,
    /// Up to here retention may have dropped messages; 0 where it may not.
    pub(crate) dropped: u64,
    pub(crate) reading: Reading,
}

/// How the final reading of the store went for a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reading {
    #[default]
    None,
    /// It failed, and no later one came to the end.
    Failed,
    Whole,
}

impl Index {
    /// Takes an event in.
    pub(crate) fn take(&mut self, event: &Event) {
        self.processes.insert(event.process);
        match event.kind {
            Kind::Send(key, body) => self.messages.entry(key).or_default().invoke(event.at, event.device, body),
            Kind::Acked(key, seq) => {
                self.messages.entry(key).or_default().acked = true;
                self.bind(key, seq);
            }
            Kind::Refused(key) => self.messages.entry(key).or_default().refusals += 1,
            Kind::Received(seen) => self.inbox(event.device, seen.key.conv).received.insert(seen.seq),
            Kind::Delivered(seen) => {
                self.inbox(event.device, seen.key.conv).delivered.insert(seen.seq);
                self.saw(seen);
            }
            Kind::LoggedIn => {
                self.devices.entry(event.device).or_default().first_login.get_or_insert(event.at);
            }
            Kind::Join(conv, phase) => self.members.join(conv, event.device.user, phase, event.at),
            Kind::Leave(conv, phase) => self.members.leave(conv, event.device.user, phase, event.at),
            Kind::Announced(conv, from, to) => {
                self.inbox(event.device, conv).announced.insert_range(from..=to);
                self.convs.entry(conv).or_default().numbers.insert_range(from..=to);
            }
            Kind::Dropped(conv, through) => {
                let conv = self.convs.entry(conv).or_default();
                conv.dropped = conv.dropped.max(through);
                conv.numbers.insert_range(1..=through);
            }
            Kind::Stored(seen) => {
                self.convs.entry(seen.key.conv).or_default().stored.insert(seen.seq);
                self.saw(seen);
            }
            Kind::ReadWhole(conv) => self.convs.entry(conv).or_default().reading = Reading::Whole,
            Kind::ReadFailed(conv) => {
                let reading = &mut self.convs.entry(conv).or_default().reading;
                if *reading == Reading::None {
                    *reading = Reading::Failed;
                }
            }
            Kind::Drained => self.devices.entry(event.device).or_default().end = End::Drained,
            Kind::LeftBehind => self.devices.entry(event.device).or_default().end = End::LeftBehind,
            Kind::LoginBegun | Kind::Cut | Kind::Reset | Kind::Other => {}
        }
    }

    /// The numbers that a device's application has of a conversation, if any.
    pub(crate) fn inbox_of(&self, device: Device, conv: Name) -> Option<&Inbox> {
        self.devices.get(&device)?.inboxes.get(&conv)
    }

    /// The message that has this number, by the first who said so.
    pub(crate) fn holder(&self, conv: Name, seq: u64) -> Option<Key> {
        self.convs.get(&conv)?.log.get(&seq).copied()
    }

    /// For an example: `ann/phone`.
    pub(crate) fn device_name(&self, device: Device) -> String {
        format!("{}/{}", self.names.text(device.user), self.names.text(device.name))
    }

    /// For an example: the message's id and conversation.
    pub(crate) fn message_name(&self, key: Key) -> String {
        format!("{} in {}", key.id, self.names.text(key.conv))
    }

    fn inbox(&mut self, device: Device, conv: Name) -> &mut Inbox {
        self.devices.entry(device).or_default().inboxes.entry(conv).or_default()
    }

    fn saw(&mut self, seen: Seen) {
        self.messages.entry(seen.key).or_default().seen = true;
        self.bind(seen.key, seen.seq);
    }

    fn bind(&mut self, key: Key, seq: u64) {
        let conv = self.convs.entry(key.conv).or_default();
        conv.log.entry(seq).or_insert(key);
        conv.numbers.insert(seq);
        self.messages.entry(key).or_default().number(seq);
    }
}
