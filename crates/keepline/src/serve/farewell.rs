//! Farewell: what is said to those who are turned away at accept, and how long that may take.
//!
//! ```text
//!              word known                     written
//! Listening ──────────────▶ (one small write) ───────▶ Lingering ──▶ closed
//!     └── nothing is ever known: 1 s, 8 KiB, or the peer's end ─────────▲
//! ```
//! Closing a socket with unread bytes resets the connection, and a peer may lose what it has not read by then. Who
//! connects says hello at once. So a connection that is turned away is read from before it is told, and until its end
//! afterwards. All of that is bounded: in time, in bytes, and in connections; what is beyond is closed without a word,
//! as everything is where there is nothing to say.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use keepline_proto::{Duration, Instant, Reason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

use super::ServerHandle;
use super::rate::Rate;
use crate::clock;
use crate::conn::Transport;

/// Connections that are turned away but not told yet, at one time. With [`LINGERING`] well below the descriptors that
/// the default limits spare.
const LISTENING: usize = 96;
/// Connections that have been told, at one time.
const LINGERING: usize = 32;
/// How long accepting rests, at most, until so many are told that there is room for the next burst. Who says hello at
/// once is told in less; who says nothing holds the others up by no more.
const REST: Duration = Duration::from_millis(20);
/// From accept to the end of it all.
const WITHIN: Duration = Duration::from_secs(1);
/// Bytes that are looked at for what the peer speaks, and as many that are dropped afterwards.
const MOST_HEARD: usize = 8 * 1024;
/// Read at one time.
const AT_ONCE: usize = 512;
/// Upgrades of connections that are turned away. One costs as much as that of a line: for TLS some 100 a second are a
/// few percent of a core.
const UPGRADES: Rate = Rate { per_second: 100, burst: 100 };

type Word = dyn Fn(Reason, &[u8]) -> Option<Vec<u8>> + Send + Sync;

/// Tells connections that are turned away why. Without a word to say it closes them.
pub(super) struct Farewell {
    word: Option<Box<Word>>,
    listening: Arc<Semaphore>,
    lingering: Arc<Semaphore>,
    /// Until when the upgrades last that there were.
    upgrades: Mutex<Instant>,
}

impl Farewell {
    /// Nothing is said.
    pub(super) fn mute() -> Arc<Self> {
        Self::of(None)
    }

    pub(super) fn new(word: impl Fn(Reason, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> Arc<Self> {
        Self::of(Some(Box::new(word)))
    }

    fn of(word: Option<Box<Word>>) -> Arc<Self> {
        let [listening, lingering] = [LISTENING, LINGERING].map(|most| Arc::new(Semaphore::new(most)));
        Arc::new(Self { word, listening, lingering, upgrades: Mutex::new(Instant::START) })
    }

    /// Waits until so many more can be listened to, and for a moment only.
    pub(super) async fn room_for(&self, burst: usize) {
        let burst = burst.min(LISTENING);
        if self.listening.available_permits() < burst {
            let room = self.listening.acquire_many(u32::try_from(burst).unwrap_or(u32::MAX));
            // They are not kept: the room is for whoever is accepted next.
            let _ = tokio::time::timeout(REST.to_std(), room).await;
        }
    }

    /// Tells a connection in a task of its own.
    pub(super) fn say(self: &Arc<Self>, io: impl Transport, reason: Reason, handle: &ServerHandle) {
        self.say_upgraded(async { Ok(io) }, reason, handle);
    }

    /// The same behind an upgrade, of which there are only so many a second.
    pub(super) fn say_after<Io: Transport>(
        self: &Arc<Self>,
        upgrade: impl Future<Output = io::Result<Io>> + Send + 'static,
        reason: Reason,
        handle: &ServerHandle,
    ) {
        if self.word.is_some() && self.may_upgrade() {
            self.say_upgraded(upgrade, reason, handle);
        }
    }

    fn say_upgraded<Io: Transport>(
        self: &Arc<Self>,
        io: impl Future<Output = io::Result<Io>> + Send + 'static,
        reason: Reason,
        handle: &ServerHandle,
    ) {
        if self.word.is_none() {
            return;
        }
        let Ok(listens) = Arc::clone(&self.listening).try_acquire_owned() else { return };
        let (this, handle, by) = (Arc::clone(self), handle.clone(), clock::now() + WITHIN);
        drop(tokio::spawn(async move {
            let told = async {
                let mut io = io.await?;
                this.tell(&mut io, reason).await?;
                // Who was told makes room for who was not.
                if let Ok(_lingers) = this.lingering.try_acquire() {
                    drop(listens);
                    linger(&mut io).await?;
                }
                io::Result::Ok(())
            };
            // However it ends, the connection is closed then.
            let _ = handle.until_draining(tokio::time::timeout_at(clock::to_tokio(by), told)).await;
        }));
    }

    /// Listens until it is known what to say, says it, and ends our half.
    async fn tell(&self, io: &mut impl Transport, reason: Reason) -> io::Result<()> {
        let Some(word) = &self.word else { return Ok(()) };
        let mut heard = Vec::new();
        let said = loop {
            if let Some(said) = word(reason, &heard) {
                break said;
            }
            heard.reserve(AT_ONCE);
            if heard.len() >= MOST_HEARD || io.read_buf(&mut heard).await? == 0 {
                return Ok(());
            }
        };
        // Into a send buffer that is empty: it does not wait.
        io.write_all(&said).await?;
        io.shutdown().await
    }

    fn may_upgrade(&self) -> bool {
        let mut until = self.upgrades.lock().unwrap_or_else(PoisonError::into_inner);
        match UPGRADES.one_more(*until, clock::now()) {
            Some(after) => {
                *until = after;
                true
            }
            None => false,
        }
    }
}

/// Reads and drops what still comes, until the peer's end.
async fn linger(io: &mut impl Transport) -> io::Result<()> {
    let (mut buffer, mut dropped) = ([0; AT_ONCE], 0);
    while dropped < MOST_HEARD {
        match io.read(&mut buffer).await? {
            0 => break,
            count => dropped += count,
        }
    }
    Ok(())
}

impl fmt::Debug for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Farewell").field("says", &self.word.is_some()).finish_non_exhaustive()
    }
}
