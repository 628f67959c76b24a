//! Device: a client that loses its connection and parts of its account, acknowledges when it likes, late, twice and
//! what it had acknowledged before, resumes rightly and wrongly, and checks every delivery.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use keepline::Report;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::dice::Dice;
use crate::stage::*;

/// What the devices are to do.
#[derive(Clone)]
pub(super) enum Phase {
    /// Come and go.
    Storm,
    /// Stay, until everything up to these numbers is there.
    Calm(Arc<BTreeMap<&'static str, u64>>),
}

/// What happened to a device.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) cuts: usize,
    /// Messages that came again, on another connection.
    pub(super) again: usize,
    pub(super) gaps: usize,
    pub(super) resets: usize,
    pub(super) rollbacks: usize,
}

/// A client.
pub(super) struct Device {
    stage: Arc<Stage>,
    user: &'static str,
    name: &'static str,
    dice: Dice,
    phase: watch::Receiver<Phase>,
    /// Whether it says at each login where it is, by an account of its own, which it may lose a part of.
    keeps_account: bool,
    /// Up to where it has everything, and where that began.
    has: BTreeMap<String, (u64, u64)>,
    /// Acknowledgements that the server has surely read: it may not go back behind them.
    certain: BTreeMap<String, u64>,
    pub(super) seen: Seen,
}

/// One connection.
struct Line {
    peer: Peer,
    /// What is to be acknowledged; it may wait over resumes and resets.
    unacked: BTreeMap<String, u64>,
    /// The last number that came of each conversation: each follows the one before.
    last: BTreeMap<String, u64>,
    /// Where a resume may have the numbers go on instead.
    jump: BTreeMap<String, u64>,
    /// Resumes that fit nothing, and are not answered yet.
    misfits: usize,
    /// What was acknowledged as sent.
    acked: BTreeMap<String, u64>,
    /// The same, in front of a question that is not answered yet.
    asked: Option<BTreeMap<String, u64>>,
}

impl Device {
    pub(super) fn new(
        stage: Arc<Stage>,
        user: &'static str,
        name: &'static str,
        mut dice: Dice,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        let keeps_account = dice.one_in(2);
        let (has, certain) = (BTreeMap::new(), BTreeMap::new());
        Self { stage, user, name, dice, phase, keeps_account, has, certain, seen: Seen::default() }
    }

    pub(super) async fn run(mut self) -> Self {
        // Kept open without being read, now and then, while its successor is there.
        let mut left: Option<(Peer, JoinHandle<Report>)> = None;
        while !self.is_done() {
            let before = self.has.clone();
            if self.keeps_account && !self.is_calm() && self.dice.one_in(3) {
                self.roll_back();
            }
            let (peer, task) = self.stage.login_with(self.user, self.name, 1 << (10 + self.dice.below(8))).await;
            let mut line = Line::new(peer);
            if self.keeps_account {
                self.resume_all(&mut line).await;
            }
            if let Some((old, _)) = &mut left {
                // Late, where nobody listens any more, and of an account that may be lost.
                for (conversation, (_, seq)) in before {
                    old.ack(&conversation, seq).await;
                }
            }
            self.live(&mut line).await;
            self.seen.cuts += 1;
            left = self.dice.one_in(2).then_some((line.peer, task));
            self.dice.rest(30).await;
        }
        self
    }

    /// Its account is that of an earlier time, as after the restore of its database.
    fn roll_back(&mut self) {
        for (first, has) in self.has.values_mut() {
            let lost = self.dice.below(10) as u64;
            *has = has.saturating_sub(lost).max(*first - 1);
        }
        self.certain.clear();
        self.seen.rollbacks += 1;
    }

    async fn resume_all(&mut self, line: &mut Line) {
        let epoch = self.epoch();
        for (conversation, (_, seq)) in self.has.clone() {
            line.jump.insert(conversation.clone(), seq + 1);
            line.peer.send(Body::Resume(v1::Resume { conversation, epoch, seq })).await;
        }
    }

    /// One connection, until it is cut.
    async fn live(&mut self, line: &mut Line) {
        let lazy = 1 + self.dice.below(20);
        loop {
            if self.is_done() {
                self.ack(line).await;
                return;
            }
            let calm = self.is_calm();
            if !calm && self.dice.one_in(60) {
                return;
            }
            if self.dice.one_in(15) && !calm {
                self.resume(line).await;
            }
            let body = tokio::select! {
                body = line.peer.next() => body,
                _ = self.phase.changed() => continue,
                // What is not acknowledged keeps the rest back.
                () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {
                    self.ack(line).await;
                    continue;
                }
            };
            match body {
                Some(Body::Deliver(it)) => self.take(line, &it.conversation, it.seq, it.seq),
                Some(Body::Gap(gap)) => {
                    self.seen.gaps += 1;
                    self.take(line, &gap.conversation, gap.from, gap.to);
                }
                Some(Body::Reset(reset)) => self.reset(line, &reset),
                Some(Body::Terms(_)) => self.certain.extend(line.asked.take().expect("an answer to a question")),
                Some(other) => panic!("{} {}: {other:?}", self.user, self.name),
                None => return,
            }
            if self.dice.one_in(lazy) {
                self.ack(line).await;
            }
        }
    }

    /// Messages from one number to another have come, or are gone.
    fn take(&mut self, line: &mut Line, conversation: &str, from: u64, to: u64) {
        let who = format!("{}'s {} in {conversation}", self.user, self.name);
        let last = line.last.insert(conversation.to_owned(), to);
        let jump = line.jump.get(conversation).copied();
        let follows = last.is_none_or(|last| from == last + 1);
        assert!(follows || jump == Some(from), "{who}: {from} behind {last:?} on one connection, resumed at {jump:?}");
        let certain = self.certain.get(conversation).copied().unwrap_or(0);
        assert!(from > certain, "{who}: {from} although {certain} is acknowledged");
        let (_, has) = self.has.entry(conversation.to_owned()).or_insert((from, from - 1));
        if jump.is_some_and(|jump| from > jump && jump == *has + 1) {
            // On its way before the server has heard where this device is: it comes again from there.
            return;
        }
        // A reset that is still to come goes back behind it.
        if line.misfits == 0 && jump.is_some_and(|jump| to >= jump) {
            line.jump.remove(conversation);
        }
        assert!(from <= *has + 1, "{who}: {from} although it has {has} only");
        if to <= *has {
            self.seen.again += 1;
        }
        *has = to.max(*has);
        line.unacked.insert(conversation.to_owned(), *has);
    }

    /// What comes next is behind the server's account. What the device has it keeps: it is the same that comes again.
    fn reset(&mut self, line: &mut Line, reset: &v1::Reset) {
        let who = format!("{}'s {}: {reset:?}", self.user, self.name);
        line.misfits = line.misfits.checked_sub(1).unwrap_or_else(|| panic!("{who} to an account that fits"));
        assert_eq!(reset.epoch, self.epoch(), "{who}");
        let (has, certain) = (self.has[&reset.conversation].1, self.certain.get(&reset.conversation).copied());
        assert!(reset.seq <= has, "{who}, which has {has} only");
        assert!(certain.is_none_or(|certain| reset.seq >= certain), "{who} although {certain:?} is acknowledged");
        line.last.insert(reset.conversation.clone(), reset.seq);
        self.seen.resets += 1;
    }

    /// Says where it is in one conversation: as it is, of another epoch, or with a number that was never given.
    async fn resume(&mut self, line: &mut Line) {
        // Where the server knows already what this device has.
        let known: Vec<_> = self.has.iter().filter(|(it, _)| !line.jump.contains_key(*it)).collect();
        if known.is_empty() {
            return;
        }
        let (conversation, (_, has)) = known[self.dice.below(known.len())];
        let (conversation, has, epoch) = (conversation.clone(), *has, self.epoch());
        let (epoch, seq) = match self.dice.below(3) {
            0 => {
                line.jump.insert(conversation.clone(), has + 1);
                (epoch, has)
            }
            1 => (epoch + 1, has),
            _ => (epoch, has + 1_000_000),
        };
        line.misfits += usize::from(!line.jump.contains_key(&conversation));
        line.peer.send(Body::Resume(v1::Resume { conversation, epoch, seq })).await;
    }

    /// Acknowledges what it has; now and then twice, or something older behind it, or with a question behind it.
    async fn ack(&mut self, line: &mut Line) {
        for (conversation, seq) in std::mem::take(&mut line.unacked) {
            line.peer.ack(&conversation, seq).await;
            // Behind a resume that goes back, the server may not have sent it again yet: then it changes nothing.
            if line.misfits == 0 && line.last[&conversation] >= seq {
                line.acked.insert(conversation.clone(), seq);
            }
            if self.dice.one_in(4) {
                let stale = seq.saturating_sub(self.dice.below(12) as u64).max(1);
                line.peer.ack(&conversation, stale).await;
            }
        }
        if line.asked.is_none() && self.dice.one_in(4) {
            line.asked = Some(line.acked.clone());
            line.peer.send(Body::Terms(v1::Terms::default())).await;
        }
    }

    fn epoch(&self) -> u64 {
        self.stage.hub.environment().directory.epoch()
    }

    fn is_calm(&self) -> bool {
        matches!(*self.phase.borrow(), Phase::Calm(_))
    }

    fn is_done(&self) -> bool {
        let Phase::Calm(heads) = &*self.phase.borrow() else { return false };
        let mine = heads.iter().filter(|(conversation, _)| self.hears(conversation));
        mine.into_iter().all(|(conversation, head)| self.has.get(*conversation).is_some_and(|(_, has)| has >= head))
    }

    fn hears(&self, conversation: &str) -> bool {
        conversation == "g.team" || super::members(conversation).contains(&self.user)
    }

    /// Everything is there from the first message on; for who came to the group later, from there.
    pub(super) fn assert_complete(&self, seed: u64, heads: &BTreeMap<&'static str, u64>, since: u64) {
        for (conversation, head) in heads {
            let first = if *conversation == "g.team" && self.user == "dora" { since + 1 } else { 1 };
            let expected = self.hears(conversation).then_some((first, *head));
            assert_eq!(self.has.get(*conversation).copied(), expected, "seed {seed}: {} in {conversation}", self.user);
        }
    }
}

impl Line {
    fn new(peer: Peer) -> Self {
        let (unacked, last, jump, acked) = Default::default();
        Self { peer, unacked, last, jump, misfits: 0, asked: None, acked }
    }
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.again += other.again;
        self.gaps += other.gaps;
        self.resets += other.resets;
        self.rollbacks += other.rollbacks;
    }
}
