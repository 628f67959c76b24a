//! Counts: what the server's lines have done, all together.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use keepline::{Beat, LineId, Observer, Reason, Report};

/// The counts of this process: in a static, so that a line needs no pointer to them.
pub(super) static COUNTS: Counts = Counts::new();

/// What the server's lines have done since the process began.
#[derive(Debug)]
pub(super) struct Counts {
    connections: AtomicU64,
    pings: AtomicU64,
    pongs: AtomicU64,
    echoes: AtomicU64,
    evictions: AtomicU64,
}

impl Counts {
    const fn new() -> Self {
        Self {
            connections: AtomicU64::new(0),
            pings: AtomicU64::new(0),
            pongs: AtomicU64::new(0),
            echoes: AtomicU64::new(0),
            evictions: AtomicU64::new(0),
        }
    }

    /// One more frame has been sent back.
    pub(super) fn count_echo(&self) {
        self.echoes.fetch_add(1, Relaxed);
    }

    /// The names and values, as they are printed.
    pub(super) fn list(&self) -> [(&'static str, u64); 5] {
        [
            ("connections", &self.connections),
            ("pings", &self.pings),
            ("pongs", &self.pongs),
            ("echoes", &self.echoes),
            ("evictions", &self.evictions),
        ]
        .map(|(name, count)| (name, count.load(Relaxed)))
    }
}

/// Counts what the library tells into [`COUNTS`].
#[derive(Debug)]
pub(super) struct Counting;

impl Observer for Counting {
    fn on_open(&self, _: LineId, _: Option<SocketAddr>) {
        COUNTS.connections.fetch_add(1, Relaxed);
    }

    fn on_close(&self, report: &Report) {
        if report.reason == Reason::Silent {
            COUNTS.evictions.fetch_add(1, Relaxed);
        }
    }

    fn on_beat(&self, _: LineId, beat: Beat) {
        if beat == Beat::PongSent {
            // Every ping that is let through is answered in its turn.
            COUNTS.pings.fetch_add(1, Relaxed);
            COUNTS.pongs.fetch_add(1, Relaxed);
        }
    }
}
