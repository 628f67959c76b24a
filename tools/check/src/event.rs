//! `Event`: a record in the form that the rules read, with every field that its operation needs.

use thiserror::Error;

use crate::names::{Name, Names};
use crate::record::{BodyHash, MessageId, Op, Phase, Record};

/// A record that lacks a field its operation needs. The run is void: what it would have said is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a record of {proc} at {mono} ns ({op:?}, {phase:?}) has no `{field}`")]
#[non_exhaustive]
pub struct Malformed {
    /// Who wrote it.
    pub proc: String,
    /// When.
    pub mono: u64,
    /// What it is about.
    pub op: Op,
    /// How far that was.
    pub phase: Phase,
    /// The name of the field.
    pub field: &'static str,
}

/// One device of one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Device {
    pub(crate) user: Name,
    pub(crate) name: Name,
}

/// A message is known by its conversation and its id: delivered in another one, it is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) conv: Name,
    pub(crate) id: MessageId,
}

/// A message as a reader saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) key: Key,
    pub(crate) seq: u64,
    pub(crate) body: BodyHash,
}

/// A record whose operation has what it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    /// Nanoseconds of the machine's monotonic clock.
    pub(crate) at: u64,
    pub(crate) process: Name,
    pub(crate) device: Device,
    /// The session's number; 0 where none is stated.
    pub(crate) session: u64,
    /// Whether the outcome of something is not known after it.
    pub(crate) uncertain: bool,
    pub(crate) kind: Kind,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A send begins.
    Send(Key, BodyHash),
    /// It is acknowledged with this number.
    Acked(Key, u64),
    Refused(Key),
    Received(Seen),
    Delivered(Seen),
    LoginBegun,
    LoggedIn,
    Cut,
    /// A user comes or goes; the user is the event's.
    Join(Name, Phase),
    Leave(Name, Phase),
    /// The device was told that the messages from the first number to the second are gone.
    Announced(Name, u64, u64),
    /// From now on the messages of a conversation up to this number may be dropped by retention.
    Dropped(Name, u64),
    Reset,
    /// Found in the store.
    Stored(Seen),
    /// The store's conversation was read to its end.
    ReadWhole(Name),
    ReadFailed(Name),
    /// The device was connected at the end and had its time to catch up.
    Drained,
    /// The device was left behind on purpose.
    LeftBehind,
    /// Nothing that a rule reads, beside its phase.
    Other,
}

impl Event {
    /// The event of a record, or which field it lacks.
    pub(crate) fn of(record: &Record, names: &mut Names) -> Result<Self, Malformed> {
        let fields = Fields { record };
        let kind = match (record.op, record.phase) {
            (Op::Send, Phase::Invoke) => Kind::Send(fields.key(names)?, fields.body()?),
            (Op::Send, Phase::Ok) => Kind::Acked(fields.key(names)?, fields.seq()?),
            (Op::Send, Phase::Fail) => Kind::Refused(fields.key(names)?),
            (Op::Receive, _) => Kind::Received(fields.seen(names)?),
            (Op::Deliver, _) => Kind::Delivered(fields.seen(names)?),
            (Op::Login, Phase::Invoke) => Kind::LoginBegun,
            (Op::Login, Phase::Ok) => Kind::LoggedIn,
            (Op::Cut, _) => Kind::Cut,
            (Op::Join, phase) => Kind::Join(fields.conv(names)?, phase),
            (Op::Leave, phase) => Kind::Leave(fields.conv(names)?, phase),
            (Op::Gap, _) => Kind::Announced(fields.conv(names)?, fields.seq()?, fields.to()?),
            (Op::Drop, _) => Kind::Dropped(fields.conv(names)?, fields.seq()?),
            (Op::Reset, _) => Kind::Reset,
            (Op::Read, Phase::Ok) if record.id.is_some() => Kind::Stored(fields.seen(names)?),
            (Op::Read, Phase::Ok) => Kind::ReadWhole(fields.conv(names)?),
            (Op::Read, Phase::Fail | Phase::Info) => Kind::ReadFailed(fields.conv(names)?),
            (Op::Drain, Phase::Ok) => Kind::Drained,
            (Op::Drain, Phase::Fail) => Kind::LeftBehind,
            (Op::Send | Op::Login | Op::Fence | Op::Read | Op::Drain, _) => Kind::Other,
        };
        let device = Device { user: names.number(&record.user), name: names.number(&record.device) };
        // A send or a login that nobody can say the outcome of; what is only seen also has this phase.
        let uncertain = record.phase == Phase::Info && matches!(record.op, Op::Send | Op::Login);
        let process = names.number(&record.proc);
        Ok(Self { at: record.mono, process, device, session: record.sess_epoch, uncertain, kind })
    }
}

/// The optional fields of a record, asked for.
struct Fields<'a> {
    record: &'a Record,
}

impl Fields<'_> {
    fn conv(&self, names: &mut Names) -> Result<Name, Malformed> {
        self.record.conv.as_deref().map(|conv| names.number(conv)).ok_or_else(|| self.lacks("conv"))
    }

    fn key(&self, names: &mut Names) -> Result<Key, Malformed> {
        Ok(Key { conv: self.conv(names)?, id: self.record.id.ok_or_else(|| self.lacks("id"))? })
    }

    fn seq(&self) -> Result<u64, Malformed> {
        self.record.seq.ok_or_else(|| self.lacks("seq"))
    }

    fn to(&self) -> Result<u64, Malformed> {
        self.record.to.ok_or_else(|| self.lacks("to"))
    }

    fn body(&self) -> Result<BodyHash, Malformed> {
        self.record.body_hash.ok_or_else(|| self.lacks("body_hash"))
    }

    fn seen(&self, names: &mut Names) -> Result<Seen, Malformed> {
        Ok(Seen { key: self.key(names)?, seq: self.seq()?, body: self.body()? })
    }

    fn lacks(&self, field: &'static str) -> Malformed {
        let Record { proc, mono, op, phase, .. } = self.record;
        Malformed { proc: proc.clone(), mono: *mono, op: *op, phase: *phase, field }
    }
}
