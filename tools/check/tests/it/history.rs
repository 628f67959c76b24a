//! Good histories: what the clients of a faithful server see while connections are cut, sessions taken over, members
//! come and go, sends are refused, answers lost and the oldest messages dropped by retention.

use std::collections::BTreeSet;

use keepline_check::{BodyHash, MessageId, Op, Phase, Record};

use crate::random::Random;

/// A user of this name is in no conversation.
pub(crate) const OUTSIDER: &str = "eve";
/// A user of this name leaves and joins again; all others stay from the beginning to the end.
pub(crate) const WANDERER: &str = "dan";
const DEVICES: [(&str, &str); 7] = [
    ("ann", "phone"),
    ("ann", "laptop"),
    ("bob", "phone"),
    ("cid", "phone"),
    ("cid", "tablet"),
    (WANDERER, "phone"),
    (OUTSIDER, "phone"),
];
const CONVS: [(&str, &[&str]); 3] =
    [("g.all", &["ann", "bob", "cid", WANDERER]), ("p.ann.bob", &["ann", "bob"]), ("p.bob.cid", &["bob", "cid"])];

/// A stored message.
#[derive(Clone, Copy)]
struct Stored {
    id: MessageId,
    body: BodyHash,
}

struct Device {
    user: &'static str,
    name: &'static str,
    /// The number of the process that speaks for it.
    process: u32,
    session: u64,
    /// Per conversation: what the application has, and the next to be given.
    taken: [u64; CONVS.len()],
    next: [u64; CONVS.len()],
}

/// The server and its clients, in one place and one time.
struct World {
    random: Random,
    records: Vec<Record>,
    now: u64,
    logs: [Vec<Stored>; CONVS.len()],
    /// How many of them, from the front, retention has dropped.
    dropped: [u64; CONVS.len()],
    members: [BTreeSet<&'static str>; CONVS.len()],
    devices: Vec<Device>,
    sessions: u64,
    /// Sends without an answer, which may be tried again: device, conversation, message, number if stored.
    open: Vec<(usize, usize, Stored, Option<u64>)>,
}

/// The records of a good run of so many steps, in the order of the clock.
pub(crate) fn good(seed: u64, steps: usize) -> Vec<Record> {
    let mut world = World::new(seed);
    for _ in 0..steps {
        world.step();
    }
    world.end();
    world.records
}

impl World {
    fn new(seed: u64) -> Self {
        let device = |(user, name)| Device { user, name, process: 0, session: 0, taken: [0; 3], next: [1; 3] };
        let mut world = Self {
            random: Random::new(seed),
            records: Vec::new(),
            now: 0,
            logs: Default::default(),
            dropped: Default::default(),
            members: Default::default(),
            devices: DEVICES.into_iter().map(device).collect(),
            sessions: 0,
            open: Vec::new(),
        };
        for (conv, (_, users)) in CONVS.into_iter().enumerate() {
            for user in users {
                world.join(conv, user);
            }
        }
        for device in 0..DEVICES.len() {
            world.login(device);
        }
        world
    }

    fn step(&mut self) {
        let device = self.random.below(DEVICES.len());
        let conv = self.random.below(CONVS.len());
        let member = self.members[conv].contains(self.devices[device].user);
        match self.random.below(100) {
            0..35 if member => self.send(device, conv),
            35..90 if member => self.deliver(device, conv),
            90..94 => self.cut(device),
            94..96 => self.take_over(device),
            96..98 => self.retry(),
            98 if self.members[0].contains(WANDERER) => self.leave(0, WANDERER),
            98 => self.join(0, WANDERER),
            99 => self.retain(conv),
            _ => {}
        }
    }

    fn end(&mut self) {
        for device in 0..DEVICES.len() {
            for conv in 0..CONVS.len() {
                let behind = |world: &Self| world.devices[device].next[conv] <= world.logs[conv].len() as u64;
                while self.members[conv].contains(self.devices[device].user) && behind(self) {
                    self.deliver(device, conv);
                }
            }
            self.note(device, Record::new(Op::Drain, Phase::Ok));
        }
        for (conv, (name, _)) in CONVS.into_iter().enumerate() {
            let dropped = self.dropped[conv] as usize;
            for (place, stored) in self.logs[conv].clone().into_iter().enumerate().skip(dropped) {
                let record = Record::new(Op::Read, Phase::Ok).message(name, stored.id).body(stored.body);
                self.read(record.seq(place as u64 + 1));
            }
            self.read(Record::new(Op::Read, Phase::Ok).conv(name).seq(self.logs[conv].len() as u64));
        }
    }

    fn send(&mut self, device: usize, conv: usize) {
        let stored = Stored { id: MessageId(u128::from(self.random.number())), body: BodyHash(self.random.number()) };
        self.invoke(device, conv, stored);
        match self.random.below(100) {
            0..75 => {
                let seq = self.append(conv, stored);
                self.answer(device, conv, stored, seq);
            }
            75..85 => self.note(device, send(Phase::Fail, conv, stored)),
            // The answer is lost; the message may be, too.
            chance => {
                let seq = (chance < 93).then(|| self.append(conv, stored));
                self.note(device, send(Phase::Info, conv, stored));
                self.open.push((device, conv, stored, seq));
            }
        }
    }

    /// Tries one again whose answer was lost, and it gets its first number.
    fn retry(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let place = self.random.below(self.open.len());
        let (device, conv, stored, seq) = self.open.swap_remove(place);
        self.invoke(device, conv, stored);
        let seq = seq.unwrap_or_else(|| self.append(conv, stored));
        self.answer(device, conv, stored, seq);
    }

    fn deliver(&mut self, device: usize, conv: usize) {
        let (next, dropped) = (self.devices[device].next[conv], self.dropped[conv]);
        if next <= dropped {
            self.note(device, Record::new(Op::Gap, Phase::Info).conv(CONVS[conv].0).seq(next).to(dropped));
            self.devices[device].next[conv] = dropped + 1;
        }
        let seq = self.devices[device].next[conv];
        let Some(stored) = self.logs[conv].get(seq as usize - 1).copied() else { return };
        let record = |op| Record::new(op, Phase::Ok).message(CONVS[conv].0, stored.id).body(stored.body).seq(seq);
        self.note(device, record(Op::Receive));
        if seq > self.devices[device].taken[conv] {
            self.note(device, record(Op::Deliver));
            self.devices[device].taken[conv] = seq;
        }
        self.devices[device].next[conv] = seq + 1;
    }

    /// Retention drops the older half.
    fn retain(&mut self, conv: usize) {
        self.dropped[conv] = self.dropped[conv].max(self.logs[conv].len() as u64 / 2);
        self.read(Record::new(Op::Drop, Phase::Ok).conv(CONVS[conv].0).seq(self.dropped[conv]));
    }

    /// The line is lost, and with it the last acknowledgements of deliveries: some messages come again.
    fn cut(&mut self, device: usize) {
        self.note(device, Record::new(Op::Cut, Phase::Info));
        for conv in 0..CONVS.len() {
            let back = self.random.below(3) as u64;
            // Not to before a membership began.
            let floor = if self.devices[device].user == WANDERER { self.devices[device].taken[conv] + 1 } else { 1 };
            let next = &mut self.devices[device].next[conv];
            *next = next.saturating_sub(back).max(floor);
        }
        self.login(device);
    }

    /// Another process logs in as the same device; the old one sends once more, and gets no answer.
    fn take_over(&mut self, device: usize) {
        let old = (self.devices[device].process, self.devices[device].session);
        self.devices[device].process += 1;
        self.login(device);
        let new = (self.devices[device].process, self.devices[device].session);
        let late = Stored { id: MessageId(u128::from(self.random.number())), body: BodyHash(self.random.number()) };
        (self.devices[device].process, self.devices[device].session) = old;
        self.note(device, send(Phase::Invoke, 0, late).body(late.body));
        self.note(device, send(Phase::Info, 0, late));
        self.note(device, Record::new(Op::Fence, Phase::Info));
        (self.devices[device].process, self.devices[device].session) = new;
    }

    fn login(&mut self, device: usize) {
        self.note(device, Record::new(Op::Login, Phase::Invoke));
        self.sessions += 1;
        self.devices[device].session = self.sessions;
        self.note(device, Record::new(Op::Login, Phase::Ok));
    }

    fn join(&mut self, conv: usize, user: &'static str) {
        self.member(Op::Join, conv, user);
        self.members[conv].insert(user);
        // What was said before is not for him.
        let head = self.logs[conv].len() as u64;
        for device in self.devices.iter_mut().filter(|device| device.user == user) {
            (device.taken[conv], device.next[conv]) = (head, head + 1);
        }
    }

    fn leave(&mut self, conv: usize, user: &'static str) {
        self.member(Op::Leave, conv, user);
        self.members[conv].remove(user);
    }

    fn member(&mut self, op: Op, conv: usize, user: &str) {
        for phase in [Phase::Invoke, Phase::Ok] {
            self.now += 1;
            let record = Record::new(op, phase).by("admin", user, "").conv(CONVS[conv].0);
            self.records.push(record.at(self.now, self.now));
        }
    }

    fn append(&mut self, conv: usize, stored: Stored) -> u64 {
        self.logs[conv].push(stored);
        self.logs[conv].len() as u64
    }

    fn invoke(&mut self, device: usize, conv: usize, stored: Stored) {
        self.note(device, send(Phase::Invoke, conv, stored).body(stored.body));
    }

    fn answer(&mut self, device: usize, conv: usize, stored: Stored, seq: u64) {
        self.note(device, send(Phase::Ok, conv, stored).seq(seq));
    }

    fn note(&mut self, device: usize, record: Record) {
        let Device { user, name, process, session, .. } = self.devices[device];
        self.now += 1;
        let record = record.by(&format!("{user}-{name}-{process}"), user, name).session(session);
        self.records.push(record.at(self.now, self.now));
    }

    fn read(&mut self, record: Record) {
        self.now += 1;
        self.records.push(record.by("reader", "", "").at(self.now, self.now));
    }
}

fn send(phase: Phase, conv: usize, stored: Stored) -> Record {
    Record::new(Op::Send, phase).message(CONVS[conv].0, stored.id)
}
