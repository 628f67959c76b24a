//! Registry: the lines of one server, for snapshots, events and the drain.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keepline_proto::{Duration, Reason};
use tokio::sync::{Notify, broadcast};

use super::limits::Limits;
use super::sources::{SourceId, Sources};
use crate::clock;
use crate::conn::{Books, LineId, Report, Shared};
use crate::wheel::Tick;

/// Events that a slow listener may be behind by before it misses some.
const EVENTS: usize = 1024;
/// Entries are allocated in blocks, so that growth never doubles.
const BLOCK: usize = 256;

/// One line, as a snapshot shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineInfo {
    /// The line's number.
    pub id: LineId,
    /// The peer's address; `None` over a Unix socket.
    pub peer: Option<SocketAddr>,
    /// How long it is open, to a tenth of a second.
    pub age: Duration,
    /// How long ago the last byte was read, to a hundredth of a second.
    pub last_in: Duration,
    /// Bytes waiting for the peer.
    pub waiting: usize,
}

/// What happened to a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineEvent {
    /// It is open.
    Opened {
        /// The line's number.
        id: LineId,
        /// The peer's address.
        peer: Option<SocketAddr>,
    },
    /// It has ended.
    Closed(Arc<Report>),
}

pub(super) struct Registry {
    state: Mutex<State>,
    events: broadcast::Sender<LineEvent>,
    /// Told when the last line has ended.
    empty: Notify,
}

struct State {
    limits: Limits,
    blocks: Vec<Box<[Slot]>>,
    free: Vec<u32>,
    lines: usize,
    /// Whether it takes no more, whatever the limits say.
    full: bool,
    /// Of those, lines whose handshake is not done.
    unestablished: usize,
    sources: Sources,
}

/// 24 bytes a line.
#[derive(Default)]
struct Slot {
    line: Option<Arc<Shared>>,
    opened: Tick,
    source: SourceId,
    generation: u32,
    port: u16,
    /// Whether its handshake is done.
    established: bool,
}

// Part of what an idle line weighs, with the wheel's entry 48 bytes.
const _: () = assert!(size_of::<Slot>() <= 24, "the registry's entry");

/// A place that is taken for a line which is about to open; given back when dropped before.
pub(super) struct Place {
    registry: Arc<Registry>,
    pub(super) id: LineId,
    taken: bool,
}

impl Registry {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let (events, _) = broadcast::channel(EVENTS);
        let state = Mutex::new(State {
            limits,
            blocks: Vec::new(),
            free: Vec::new(),
            lines: 0,
            full: false,
            unestablished: 0,
            sources: Sources::default(),
        });
        Arc::new(Self { state, events, empty: Notify::new() })
    }

    /// A place for one more line, or why there is none.
    pub(super) fn admit(self: &Arc<Self>, peer: Option<SocketAddr>) -> Result<Place, Reason> {
        let mut state = self.lock();
        let limits = state.limits;
        if state.full || state.lines >= limits.connections {
            return Err(Reason::ServerFull);
        }
        let now = clock::now();
        let full = limits.unestablished.is_some_and(|most| state.unestablished >= most);
        // The address first: of two reasons it is told the one that it can do something about.
        let source = state.sources.admit(peer.map(|peer| peer.ip()), &limits, now)?;
        if full {
            state.sources.establish(source);
            state.sources.release(source);
            return Err(Reason::ServerFull);
        }
        let index = state.take_index();
        state.lines += 1;
        state.unestablished += 1;
        let slot = state.slot(index);
        slot.source = source;
        slot.port = peer.map_or(0, |peer| peer.port());
        slot.opened = Tick::at_or_before(now);
        slot.established = false;
        let id = LineId(u64::from(slot.generation) << 32 | u64::from(index));
        Ok(Place { registry: Arc::clone(self), id, taken: false })
    }

    pub(super) fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    pub(super) fn len(&self) -> usize {
        self.lock().lines
    }

    /// Resolves when there is no line.
    pub(super) async fn emptied(&self) {
        loop {
            let empty = self.empty.notified();
            if self.len() == 0 {
                return;
            }
            empty.await;
        }
    }

    pub(super) fn limits(&self) -> Limits {
        self.lock().limits
    }

    /// Who is in stays in, however many they are.
    pub(super) fn set_limits(&self, limits: Limits) {
        self.lock().limits = limits;
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<LineEvent> {
        self.events.subscribe()
    }

    pub(super) fn snapshot(&self) -> Vec<LineInfo> {
        let now = clock::now();
        let state = self.lock();
        let slots = state.blocks.iter().flat_map(|block| block.iter());
        slots
            .filter_map(|slot| {
                let line = slot.line.as_ref()?;
                Some(LineInfo {
                    id: LineId(line.id),
                    peer: slot.address(&state.sources).map(|ip| SocketAddr::new(ip, slot.port)),
                    age: now.since(slot.opened.instant()),
                    last_in: line.silent_for(now),
                    waiting: line.mail().outbox.as_ref().map_or(0, |outbox| outbox.bytes()),
                })
            })
            .collect()
    }

    /// Every line's shared half, to close them one after another.
    pub(super) fn lines(&self) -> Vec<Arc<Shared>> {
        let state = self.lock();
        state.blocks.iter().flat_map(|block| block.iter()).filter_map(|slot| slot.line.clone()).collect()
    }

    pub(super) fn line(&self, id: LineId) -> Option<Arc<Shared>> {
        let mut state = self.lock();
        let index = usize::try_from(id.0 & u64::from(u32::MAX)).ok()?;
        if index >= state.blocks.len() * BLOCK {
            return None;
        }
        let line = state.slot(u32::try_from(index).ok()?).line.as_ref()?;
        (line.id == id.0).then(|| Arc::clone(line))
    }

    fn remove(&self, id: LineId) {
        let mut state = self.lock();
        let index = (id.0 & u64::from(u32::MAX)) as u32;
        state.establish(index);
        let slot = state.slot(index);
        slot.generation = slot.generation.wrapping_add(1);
        let (line, source) = (slot.line.take(), std::mem::take(&mut slot.source));
        state.sources.release(source);
        state.free.push(index);
        state.lines -= 1;
        let empty = state.lines == 0;
        drop(state);
        drop(line);
        if empty {
            self.empty.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under the lock: a poisoned registry is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The line is there: it counts until its driver says that it has ended.
    pub(super) fn occupy(mut self, line: &Arc<Shared>, peer: Option<SocketAddr>) {
        self.taken = true;
        let index = (self.id.0 & u64::from(u32::MAX)) as u32;
        self.registry.lock().slot(index).line = Some(Arc::clone(line));
        // Nobody listening is no error.
        let _ = self.registry.events.send(LineEvent::Opened { id: self.id, peer });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.taken {
            self.registry.remove(self.id);
        }
    }
}

impl Books for Registry {
    fn peer(&self, id: LineId) -> Option<SocketAddr> {
        let mut state = self.lock();
        let slot = state.slot((id.0 & u64::from(u32::MAX)) as u32);
        let (source, port) = (slot.source, slot.port);
        state.sources.address(source).map(|ip| SocketAddr::new(ip, port))
    }

    fn on_established(&self, id: LineId) {
        self.lock().establish((id.0 & u64::from(u32::MAX)) as u32);
    }

    fn on_ended(&self, report: &Report) {
        if self.events.receiver_count() > 0 {
            let _ = self.events.send(LineEvent::Closed(Arc::new(report.clone())));
        }
        self.remove(report.id);
    }
}

impl State {
    fn slot(&mut self, index: u32) -> &mut Slot {
        &mut self.blocks[index as usize / BLOCK][index as usize % BLOCK]
    }

    /// The handshake of this line is done, or it has ended without.
    fn establish(&mut self, index: u32) {
        let slot = self.slot(index);
        if !std::mem::replace(&mut slot.established, true) {
            let source = slot.source;
            self.sources.establish(source);
            self.unestablished -= 1;
        }
    }

    fn take_index(&mut self) -> u32 {
        if self.free.is_empty() {
            let first = (self.blocks.len() * BLOCK) as u32;
            self.blocks.push((0..BLOCK).map(|_| Slot::default()).collect());
            self.free.extend((first..first + BLOCK as u32).rev());
        }
        self.free.pop().unwrap_or_default()
    }
}

impl Slot {
    fn address(&self, sources: &Sources) -> Option<IpAddr> {
        sources.address(self.source)
    }
}
