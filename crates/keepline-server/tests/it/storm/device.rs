//! Device: a client that loses its connection, acknowledges when it likes, and checks every delivery.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use tokio::sync::watch;

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
}

/// A client.
pub(super) struct Device {
    stage: Arc<Stage>,
    user: &'static str,
    name: &'static str,
    dice: Dice,
    phase: watch::Receiver<Phase>,
    /// Up to where it has everything, and where that began.
    has: BTreeMap<String, (u64, u64)>,
    pub(super) seen: Seen,
}

impl Device {
    pub(super) fn new(
        stage: Arc<Stage>,
        user: &'static str,
        name: &'static str,
        dice: Dice,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        Self { stage, user, name, dice, phase, has: BTreeMap::new(), seen: Seen::default() }
    }

    pub(super) async fn run(mut self) -> Self {
        // Kept open without being read, now and then, while its successor is there.
        let mut _left = None;
        while !self.is_done() {
            let (mut peer, task) = self.stage.login_with(self.user, self.name, 1 << (10 + self.dice.below(8))).await;
            self.live(&mut peer).await;
            self.seen.cuts += 1;
            _left = self.dice.one_in(2).then_some((peer, task));
            self.dice.rest(30).await;
        }
        self
    }

    /// One connection, until it is cut.
    async fn live(&mut self, peer: &mut Peer) {
        let mut unacked = BTreeMap::new();
        // What came on this connection; there each number follows the one before.
        let mut here: BTreeMap<String, u64> = BTreeMap::new();
        let lazy = 1 + self.dice.below(20);
        loop {
            if self.is_done() {
                self.ack(peer, &mut unacked).await;
                return;
            }
            let calm = matches!(*self.phase.borrow(), Phase::Calm(_));
            if !calm && self.dice.one_in(60) {
                return;
            }
            if self.dice.one_in(15) && !calm {
                self.resume(peer, &here).await;
            }
            let body = tokio::select! {
                body = peer.next() => body,
                _ = self.phase.changed() => continue,
                // What is not acknowledged keeps the rest back.
                () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {
                    self.ack(peer, &mut unacked).await;
                    continue;
                }
            };
            match body {
                Some(Body::Deliver(it)) => {
                    self.take(&mut here, &it.conversation, it.seq, it.seq);
                    unacked.insert(it.conversation, it.seq);
                }
                Some(Body::Gap(gap)) => {
                    self.seen.gaps += 1;
                    self.take(&mut here, &gap.conversation, gap.from, gap.to);
                    unacked.insert(gap.conversation, gap.to);
                }
                Some(Body::Reset(reset)) => panic!("{reset:?} for an account that fits"),
                Some(other) => panic!("{other:?}"),
                None => return,
            }
            if self.dice.one_in(lazy) {
                self.ack(peer, &mut unacked).await;
            }
        }
    }

    /// Messages from one number to another have come, or are gone.
    fn take(&mut self, here: &mut BTreeMap<String, u64>, conversation: &str, from: u64, to: u64) {
        let who = format!("{}'s {} in {conversation}", self.user, self.name);
        let last = here.insert(conversation.to_owned(), to);
        assert!(last.is_none_or(|last| from == last + 1), "{who}: {from} behind {last:?} on one connection");
        let (_, has) = self.has.entry(conversation.to_owned()).or_insert((from, from - 1));
        assert!(from <= *has + 1, "{who}: {from} although it has {has} only");
        if to <= *has {
            self.seen.again += 1;
        }
        *has = to.max(*has);
    }

    /// Says where it is by its own account; only what was not begun here, so that the numbers stay easy to check.
    async fn resume(&mut self, peer: &mut Peer, here: &BTreeMap<String, u64>) {
        let epoch = self.stage.hub.environment().directory.epoch();
        let begun = self.has.iter().find(|(conversation, _)| here.contains_key(*conversation));
        if let Some((conversation, (_, seq))) = begun.filter(|(conversation, (_, has))| here[*conversation] == *has) {
            let (conversation, seq) = (conversation.clone(), *seq);
            peer.send(Body::Resume(v1::Resume { conversation, epoch, seq })).await;
        }
    }

    async fn ack(&mut self, peer: &mut Peer, unacked: &mut BTreeMap<String, u64>) {
        for (conversation, seq) in std::mem::take(unacked) {
            peer.ack(&conversation, seq).await;
        }
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

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.again += other.again;
        self.gaps += other.gaps;
    }
}
