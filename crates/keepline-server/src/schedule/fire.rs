//! Fire: the task that sends each delayed message when it is due, once.
//!
//! It sleeps until the next is due, but no longer than a minute, because the wall's clock may be set. To send one it
//! first writes down that it begins, which fails if somebody cancelled or edited it at the same time; then it sends
//! with an id that follows from the delayed message's name; then it writes down that this is done. After a crash
//! anywhere between, the same is done again, and the conversation knows the id.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::delayed::{Phase, Stored, log, message_id};
use super::deliver::{Deliver, Undelivered};
use super::known::Known;
use crate::clock::Clock;
use crate::entity::follow::{Follow as _, Source};
use crate::entity::{ChangeError, Entities};
use crate::id::{ScheduleId, UserId};

/// How many are sent at once.
const AT_ONCE: usize = 64;

/// How long we trust the wall's clock to run as ours does.
const LOOK: Duration = Duration::from_secs(60);

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(30);

/// The first wait after an attempt that failed; each further one is twice as long, up to [`LOOK`].
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// What sending takes.
pub(super) struct Sender {
    pub(super) entities: Arc<Entities>,
    pub(super) known: Arc<Known>,
    pub(super) deliver: Box<dyn Deliver>,
    pub(super) clock: Arc<dyn Clock>,
}

/// How an attempt ended.
enum Attempt {
    /// There is nothing more to do.
    Over,
    /// Its time was changed, or the clock was.
    NotDue,
    /// It is to be tried again.
    Failed,
}

/// Those who wait after a failed attempt, with how often they failed. By our own clock, which does not jump.
type Failed = BTreeMap<(Instant, ScheduleId), u32>;

/// Sends what is due, for ever.
pub(super) async fn run(sender: Arc<Sender>) {
    let mut attempts: JoinSet<(ScheduleId, u32, Attempt)> = JoinSet::new();
    let mut failed = Failed::new();
    // Those who are being sent or have failed: not to be begun again meanwhile.
    let mut busy: HashSet<ScheduleId> = HashSet::new();
    loop {
        while attempts.len() < AT_ONCE {
            let Some((id, tries)) = next(&sender, &mut failed, &mut busy) else { break };
            let sender = sender.clone();
            attempts.spawn(async move {
                // A panic below is an attempt that failed, not one that is forgotten.
                let attempt =
                    AbortOnDropHandle::new(tokio::spawn(attempt(sender, id.clone()))).await.unwrap_or(Attempt::Failed);
                (id, tries, attempt)
            });
        }
        let room = attempts.len() < AT_ONCE;
        tokio::select! {
            Some(Ok((id, tries, attempt))) = attempts.join_next() => match attempt {
                Attempt::Over => { busy.remove(&id); }
                Attempt::NotDue => {
                    busy.remove(&id);
                    sender.known.put_back(&id);
                }
                Attempt::Failed => {
                    let wait = (FIRST_WAIT * 2_u32.saturating_pow(tries.min(16))).min(LOOK);
                    failed.insert((Instant::now() + wait, id), tries + 1);
                }
            },
            () = sleep_until(wake(&sender, &failed)), if room => {}
            () = sender.known.changed(), if room => {}
        }
    }
}

/// One whose time has come, with how often it has failed; those whom we make wait for the first time first.
fn next(sender: &Sender, failed: &mut Failed, busy: &mut HashSet<ScheduleId>) -> Option<(ScheduleId, u32)> {
    while let Some(id) = sender.known.pop(sender.clock.now_ms()) {
        // Whoever is busy comes back by the end of his attempt.
        if busy.insert(id.clone()) {
            return Some((id, 0));
        }
    }
    let first = failed.first_entry().filter(|first| first.key().0 <= Instant::now())?;
    let ((_, id), tries) = first.remove_entry();
    Some((id, tries))
}

/// When to look again.
fn wake(sender: &Sender, failed: &Failed) -> Instant {
    let now = Instant::now();
    let due = sender.known.next_ms().map(|next_ms| {
        let wait = Duration::from_millis(next_ms.saturating_sub(sender.clock.now_ms()));
        now + wait.min(LOOK)
    });
    let retry = failed.keys().next().map(|(at, _)| *at);
    [due, retry].into_iter().flatten().min().unwrap_or(now + LOOK)
}

async fn attempt(sender: Arc<Sender>, id: ScheduleId) -> Attempt {
    match send(&sender, &id).await {
        Ok(()) | Err(ChangeError::Refused(Attempt::Over)) | Err(ChangeError::Absent) => Attempt::Over,
        Err(ChangeError::Refused(attempt)) => attempt,
        Err(ChangeError::Contended) => Attempt::Failed,
        Err(ChangeError::Write(error)) => {
            tracing::warn!(%id, %error, "a delayed message waits for the store");
            Attempt::Failed
        }
    }
}

async fn send(sender: &Sender, id: &ScheduleId) -> Result<(), ChangeError<Attempt>> {
    let log = log(id);
    let now_ms = sender.clock.now_ms();
    let claim = sender.entities.change(&log, |now: &Stored| match now.phase() {
        Phase::Waiting if now.due_ms > now_ms => Ok(None),
        Phase::Waiting => Ok(Some(Stored { phase: Phase::Sending as i32, claimed_ms: now_ms, ..now.clone() })),
        // Begun by us or another before a crash.
        Phase::Sending => Ok(None),
        Phase::None | Phase::Failed | Phase::Sent | Phase::Cancelled => Err(Attempt::Over),
    });
    let held = claim.await?;
    let (seq, state) = (held.seq, held.state.clone());
    sender.known.take(&log, held, Source::Own);
    if state.phase() == Phase::Waiting {
        // Put off by another node, perhaps, of which the feed says nothing yet: now we know.
        return Err(ChangeError::Refused(Attempt::NotDue));
    }
    let owner: UserId = state.owner.parse().map_err(|_| ChangeError::Refused(Attempt::Over))?;
    let sent = sender.deliver.send(&owner, message_id(id), state.message(&log, seq)?);
    let code = match timeout(ATTEMPT, sent).await {
        Ok(Ok(_)) => None,
        Ok(Err(Undelivered::Refused(code))) => Some(code),
        Ok(Err(Undelivered::Later)) | Err(_) => return Err(ChangeError::Refused(Attempt::Failed)),
    };
    let end = sender.entities.change(&log, |now: &Stored| {
        Ok((now.phase() == Phase::Sending).then(|| match code {
            None => now.over(Phase::Sent, sender.clock.now_ms()),
            Some(code) => Stored { phase: Phase::Failed as i32, code: code.to_owned(), ..now.clone() },
        }))
    });
    let held = end.await?;
    sender.known.take(&log, held, Source::Own);
    Ok(())
}
