//! Handler: what a line is for. Called synchronously, with a frame and this turn's output.

use keepline_proto::liveness::IdleEvent;
use keepline_proto::wire::Codec;
use keepline_proto::{Duration, Reason};

use super::flow::Flow;
use super::report::Report;
use super::turn::Turn;

/// The seam between the drive loop and the program: one value a line.
///
/// Calls come from the line's own task, one at a time, and must not block: what takes time answers later through
/// [`Turn::defer`] or [`Turn::connection`]. Pings and pongs never reach [`on_frame`](Self::on_frame).
///
/// # Example
/// ```
/// use keepline::{Flow, Handler, Turn, wire::echo};
///
/// /// Sends every frame back.
/// struct Mirror;
///
/// impl Handler for Mirror {
///     type Codec = echo::Echo;
///     fn on_frame(&mut self, frame: echo::Frame<'_>, turn: &mut Turn<'_, echo::Echo>) -> Flow {
///         turn.reply(frame)
///     }
/// }
/// ```
pub trait Handler: Send + Unpin + 'static {
    /// The frames of the line.
    type Codec: Codec + Send + Unpin + 'static;

    /// A data frame has arrived; it borrows from the receive buffer.
    fn on_frame(&mut self, frame: <Self::Codec as Codec>::Frame<'_>, turn: &mut Turn<'_, Self::Codec>) -> Flow;

    /// The line is open; nothing has been read yet.
    fn on_open(&mut self, turn: &mut Turn<'_, Self::Codec>) -> Flow {
        let _ = turn;
        Flow::Continue
    }

    /// The line was idle for the whole of a limit. `default` is what happens unless this says otherwise: close as
    /// [`Silent`](crate::Reason::Silent) at the agreed silence limit; go on, with a log line, at an event that was only asked for
    /// ([`Settings::idle_events`](crate::Settings::idle_events)).
    fn on_idle(&mut self, event: IdleEvent, default: Flow, turn: &mut Turn<'_, Self::Codec>) -> Flow {
        if default == Flow::Continue {
            tracing::info!(?turn, %event, "line idle");
        }
        default
    }

    /// Somebody asked for a turn by [`Connection::wake`](super::Connection::wake), once or several times: there is news
    /// that only the line's own task can act on, as new liveness terms. Called on a paused line too, before what a
    /// [`resume`](super::Connection::resume) of the same moment lets it read, and before a close of the same moment;
    /// never once the line closes.
    fn on_wake(&mut self, turn: &mut Turn<'_, Self::Codec>) -> Flow {
        let _ = turn;
        Flow::Continue
    }

    /// A heartbeat came or went, already dealt with.
    fn on_beat(&mut self, beat: Beat, turn: &mut Turn<'_, Self::Codec>) {
        let _ = (beat, turn);
    }

    /// A lenient codec dropped bytes that are no frame; the line goes on.
    fn on_skip(&mut self, error: keepline_proto::wire::WireError) {
        tracing::debug!(%error, "bytes skipped");
    }

    /// The line begins to end for this reason: the last turn, in which it can be asked once more what the peer has
    /// ([`Turn::peer_has_all`]). Called at most once, before the format's farewell; what it sends goes out before that,
    /// where the peer still hears anything. Not called where the task is dropped, nor after a panic.
    fn on_closing(&mut self, reason: Reason, turn: &mut Turn<'_, Self::Codec>) {
        let _ = (reason, turn);
    }

    /// The line has ended. Called exactly once, also if the task is dropped.
    fn on_close(&mut self, report: &Report) {
        let _ = report;
    }
}

/// One half of a heartbeat, as the driver dealt with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Beat {
    /// The line was quiet: a ping goes out with this turn.
    PingSent,
    /// A pong came; with the round trip where it is known.
    PongReceived(Option<Duration>),
    /// A ping came, and the pong goes out with this turn.
    PongSent,
    /// Half of the time for a pong is gone.
    Suspect,
}
