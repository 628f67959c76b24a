//! Overload: what a server gives up as its memory runs out, so that the kernel need not end it.
//!
//! ```text
//!  kernel ──▶ Memory ──share──▶ Level ──┬──▶ listener: no new lines
//!                                       ├──▶ hub: the slowest are dropped
//!                                       ├──▶ delivery: no new messages
//!                                       └──▶ Pool ──▶ HTTP: no large bodies
//!                  ──left──▶ Room ──────▶ pump: how much is read for who is behind
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use keepline::serve::ServerHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::session::Hub;

mod level;
mod memory;
mod pool;
mod room;
mod shed;

pub use level::Level;
pub(crate) use memory::Memory;
pub use memory::limit_of_process;
pub(crate) use pool::{Held, Pool};

use level::{REFUSED_FROM, SHED_DOWN_TO};
use memory::Usage;
use room::Room;

/// How often one looks: where there is no limit (one may be set later), where there is enough, and where it is short.
const WITHOUT: Duration = Duration::from_secs(60);
const AT_EASE: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_millis(100);
/// From this share on, in thousandths, one looks as often as where it is short.
const NEAR: u64 = 500;
/// No two looks are closer, however much is asked for.
const LEAST: Duration = Duration::from_millis(10);
/// From one dropping of sessions to the next: what the first gave back must show before more are dropped.
const REST: Duration = Duration::from_millis(500);

/// How short of memory a server is now, for whoever asks on the way of a message.
#[derive(Debug, Default)]
pub struct Overload {
    level: AtomicU8,
    room: Room,
    bodies: Arc<Pool>,
}

impl Overload {
    /// The level now.
    #[must_use]
    pub fn level(&self) -> Level {
        Level::ALL.get(usize::from(self.level.load(Ordering::Relaxed))).copied().unwrap_or_default()
    }

    /// Whether a message is to be refused now.
    #[must_use]
    pub fn refuses_messages(&self) -> bool {
        self.level() >= Level::Refusing
    }

    /// Waits until so many bytes may be read for a session that is behind.
    pub(crate) async fn catch_up(&self, bytes: usize) {
        self.room.take(bytes as u64).await;
    }

    /// What the bodies of HTTP requests and of their answers are held in.
    pub(crate) const fn bodies(&self) -> &Arc<Pool> {
        &self.bodies
    }

    /// Has it looked at the memory now, as its limit is another.
    pub(crate) fn look_again(&self) {
        self.room.ask();
    }

    fn set(&self, level: Level) {
        self.level.store(level as u8, Ordering::Relaxed);
    }
}

/// What is done at a level, and to whom.
pub(crate) struct Watch {
    pub(crate) memory: Arc<Memory>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) lines: ServerHandle,
}

impl Watch {
    /// Looks at the memory, and does what its level asks for, until the server stops.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        let mut shed_at = None;
        let overload = Arc::clone(&self.hub.environment().overload);
        loop {
            let memory = Arc::clone(&self.memory);
            // A blocking thread: files of the kernel, but files.
            let Ok(usage) = tokio::task::spawn_blocking(move || memory.read()).await else { break };
            let wait = self.look(usage, &mut shed_at);
            let next = async {
                tokio::time::sleep(LEAST).await;
                let _ = tokio::time::timeout(wait, overload.room.asked()).await;
            };
            if stopping.run_until_cancelled(next).await.is_none() {
                break;
            }
        }
        // Nobody looks any more, and nobody is to wait for it.
        overload.room.give(None);
    }

    /// Does what follows from what is in use, and says when to look again.
    fn look(&self, usage: Option<Usage>, shed_at: &mut Option<Instant>) -> Duration {
        let Usage { used, limit } = usage.unwrap_or(Usage { used: 0, limit: 0 });
        let share = usage.map_or(0, |usage| usage.share());
        let environment = self.hub.environment();
        let (before, after) = (environment.overload.level(), environment.overload.level().after(share));
        if after != before {
            environment.overload.set(after);
            self.lines.set_full(after >= Level::Closed);
            tell(before, after, used, limit);
        }
        environment.metrics.memory(used, limit, after as u8);
        environment.overload.room.give(usage.map(|_| (limit / 1000 * REFUSED_FROM).saturating_sub(used)));
        environment.overload.bodies.allow(pool::most(usage.map(|usage| usage.limit), after));
        if after >= Level::Shedding && shed_at.is_none_or(|at| at.elapsed() >= REST) {
            *shed_at = Some(Instant::now());
            let excess = used.saturating_sub(limit / 1000 * SHED_DOWN_TO);
            shed_slowest(&self.hub, &environment.metrics, excess);
        }
        match usage {
            None => WITHOUT,
            Some(_) if share < NEAR && after == Level::Enough => AT_EASE,
            Some(_) => SHORT,
        }
    }
}

/// Closes sessions for whom much waits, until that is as much as is in excess, in bytes.
fn shed_slowest(hub: &Hub, metrics: &Metrics, excess: u64) {
    let mut waiting = Vec::new();
    hub.each(|session| {
        let bytes = session.connection().queued().bytes as u64;
        waiting.push((bytes, Arc::clone(session)));
    });
    let slowest = shed::slowest(waiting, excess);
    if slowest.is_empty() {
        return;
    }
    let bytes: u64 = slowest.iter().map(|(bytes, _)| bytes).sum();
    tracing::warn!(sessions = slowest.len(), bytes, "memory is short: the slowest sessions are dropped");
    metrics.shed(slowest.len());
    for (_, session) in slowest {
        hub.end(&session, keepline::Reason::SlowConsumer);
    }
}

/// One line for each change.
fn tell(before: Level, after: Level, used: u64, limit: u64) {
    let (from, to) = (before.name(), after.name());
    if after > before {
        tracing::warn!(from, to, used, limit, "memory is short");
    } else {
        tracing::warn!(from, to, used, limit, "memory is less short");
    }
}

#[cfg(test)]
mod tests;
