//! Turn: what a handler may do while it holds a frame.

use std::fmt;
use std::sync::Arc;

use keepline_proto::liveness::{Heartbeat, Monitor};
use keepline_proto::wire::{Codec, WireError};
use keepline_proto::{Instant, Reason};

use super::connection::{Answer, Connection};
use super::environment::Environment;
use super::flow::Flow;
use super::line_id::LineId;
use super::outbox::Lane;
use super::rare::Rare;
use super::scratch::Output;
use super::shared::Shared;
use super::state::Backlog;
use super::transport::Transport;

/// One turn of a line: the output that leaves in one write when the turn ends, and the line's settings.
pub struct Turn<'a, C> {
    pub(super) codec: &'a mut C,
    pub(super) output: &'a mut Output,
    pub(super) io: &'a mut dyn Transport,
    pub(super) backlog: Backlog,
    pub(super) monitor: &'a mut Monitor,
    pub(super) rare: &'a mut Option<Box<Rare>>,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) environment: &'a Arc<Environment>,
    pub(super) now: Instant,
    pub(super) rearm: &'a mut bool,
}

impl<C: Codec> Turn<'_, C> {
    /// Sends a frame with this turn.
    ///
    /// # Errors
    /// The codec refuses the frame, as larger than the limit; nothing is sent then.
    #[inline]
    pub fn send(&mut self, frame: C::Frame<'_>) -> Result<(), WireError> {
        self.codec.encode(frame, &mut self.output.bytes)?;
        self.output.end_frame(Lane::Data);
        Ok(())
    }

    /// Sends a frame and goes on, or closes as [`ServerError`](Reason::ServerError) if the codec refuses it.
    #[inline]
    pub fn reply(&mut self, frame: C::Frame<'_>) -> Flow {
        match self.send(frame) {
            Ok(()) => Flow::Continue,
            Err(error) => {
                tracing::warn!(id = self.shared.id, %error, "reply refused by the codec");
                Flow::Close(Reason::ServerError)
            }
        }
    }

    /// The handshake is done: its deadline no longer applies, and a server counts the line no more among those that
    /// have not done it. To be called once: each call takes the lock of the server's list of lines.
    pub fn establish(&mut self) {
        if let Some(books) = &self.environment.books {
            books.on_established(LineId(self.shared.id));
        }
        if let Some(rare) = self.rare
            && rare.handshake_by.take().is_some()
        {
            *self.rearm = true;
        }
    }

    /// New liveness terms from now on.
    pub fn set_terms(&mut self, heartbeat: Arc<Heartbeat>) {
        self.monitor.set_terms(self.now, heartbeat);
        *self.rearm = true;
    }

    /// Owes an answer to what has just come; send it through the [`Answer`] from another task. While as many are owed
    /// as the settings allow, the line stops reading. `None` if 255 are owed.
    ///
    /// A peer that has ended its half still gets what is owed, as it comes, for the settings' linger; a peer that is
    /// gone altogether looks the same until a write fails, so the line of one may last so long.
    ///
    /// # Example
    /// ```
    /// use keepline::{Bytes, Driver, Flow, Handler, Settings, Turn};
    /// use keepline::{liveness::Heartbeat, wire::Codec, wire::line::Line};
    /// # use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    ///
    /// /// Looks a name up, which takes time.
    /// async fn look_up(name: &str) -> String {
    ///     format!("{name} is at home")
    /// }
    ///
    /// struct Porter;
    ///
    /// impl Handler for Porter {
    ///     type Codec = Line;
    ///     fn on_frame(&mut self, name: &[u8], turn: &mut Turn<'_, Line>) -> Flow {
    ///         let Some(answer) = turn.defer() else { return Flow::Close(keepline::Reason::ServerError) };
    ///         let name = String::from_utf8_lossy(name).into_owned();
    ///         tokio::spawn(async move {
    ///             let mut frame = Vec::new();
    ///             if Line.encode(look_up(&name).await.as_bytes(), &mut frame).is_ok() {
    ///                 // An error says that the asker has gone.
    ///                 let _ = answer.send(Bytes::from(frame));
    ///             }
    ///         });
    ///         Flow::Continue
    ///     }
    /// }
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// # let (mut peer, ours) = duplex(1024);
    /// # drop(tokio::spawn(Driver::standalone(ours, Porter, Line, Settings::new(Heartbeat::off()))));
    /// # peer.write_all(b"Ann\n").await?;
    /// # let mut answer = [0; 15];
    /// # peer.read_exact(&mut answer).await?;
    /// # assert_eq!(&answer, b"Ann is at home\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn defer(&mut self) -> Option<Answer> {
        Answer::begin(self.connection())
    }

    /// Whether the peer's machine has acknowledged every byte that this line was given to send before this call: the
    /// turn's output is empty, nothing waits in the outbox, nor in the transport, nor unacknowledged in the kernel's
    /// send queue. `None` where the transport cannot tell ([`Transport::unacknowledged`]).
    ///
    /// It says nothing of the peer's program, which may never read what its kernel has: for a peer that sends no
    /// acknowledgements of its own it is the most there is. A successful write says less, as the bytes may be lost with
    /// a path that is cut already. A yes does not become a no later, unless more is sent. Costs a lock and a system
    /// call; [`Connection::wake`] gives a turn to ask in.
    #[must_use]
    pub fn peer_has_all(&self) -> Option<bool> {
        let unacknowledged = self.io.unacknowledged()?;
        // Only this task takes from the outbox: nothing slips from it to the kernel between the two questions.
        let vacant = self.shared.mail().outbox.as_ref().is_none_or(|outbox| outbox.is_empty());
        Some(unacknowledged == 0 && self.output.is_empty() && self.backlog != Backlog::Unflushed && vacant)
    }

    /// The line's handle, for other tasks.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection::new(Arc::clone(self.shared), Arc::clone(self.environment))
    }

    /// The codec: to encode frames for other lines, or to change it, as to raise its frame limit once the peer has logged
    /// in. A change holds from the very next frame, also for one of which a part has arrived.
    pub const fn codec(&mut self) -> &mut C {
        self.codec
    }

    /// The clock's reading at the start of the turn.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }
}

impl<C> fmt::Debug for Turn<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("id", &self.shared.id).field("now", &self.now).finish_non_exhaustive()
    }
}
