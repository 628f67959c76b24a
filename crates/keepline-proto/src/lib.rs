//! The sans-IO core of keepline: bytes and instants in, actions and bytes out.
//!
//! No clock, no socket, no lock, no runtime and no global randomness: the same inputs give the same outputs. What
//! touches the world is the driver; `keepline` has one for tokio, and a loop over UDP or on another runtime is short.
//!
//! | module | what it holds |
//! |---|---|
//! | [`disconnect`] | why a connection ended: code, name, side, whether to come back |
//! | [`liveness`] | [`Heartbeat`](liveness::Heartbeat), the checked settings; [`Monitor`](liveness::Monitor), the judge of one line; [`idle`](liveness::idle), Netty's idle detector |
//! | [`time`] | [`Instant`] and [`Duration`], time as a value |
//! | [`wire`] | the [`Codec`](wire::Codec) trait, and one frame format a file |
//!
//! The feature `im`, off by default, adds `wire::im`: the frames of the IM server. It is the only part with
//! dependencies (prost and bytes).
//!
//! # The drive loop
//! A [`Monitor`](liveness::Monitor) is right about its peer if its driver keeps to this contract, once a turn:
//!
//! 1. **Read the clock once** and use that `now` for all that follows; it must never run backwards.
//! 2. **Report what was read before anything else**: `on_read` for any bytes, then what they were: `on_ping` (answer it,
//!    unless it says to close), `on_pong`, and for a frame that is only partly there `on_frame_begin`,
//!    `on_frame_bytes` and `on_frame_end`. An answer that waits in the socket is life; a timer looked at first would
//!    not know.
//! 3. **Report what was written**, pings and pongs included: `on_write`, when the transport has taken the bytes.
//! 4. **Then the timers**: while `deadline()` is not after `now`, call `on_timeout` and do what it says. One call gives
//!    one [`Action`](liveness::Action); two things due at once take two calls.
//! 5. **Arm the timer** for `deadline()`, rounded up, never down. A deadline that moved *later* (as with each read) costs
//!    nothing: let the timer fire, step 4 finds nothing to do, and it is armed again. One that moved *earlier* must be
//!    armed at once, or it comes late and is taken for a stall: that can be after `on_timeout`, `on_frame_begin`,
//!    `resume` and `set_terms`. `None` means: no timer.
//! 6. **Around a pause of the reads** call `pause` and `resume`: back-pressure of our own is nobody's silence. The timer
//!    runs on meanwhile, and pings are sent: the peer may count our silence.
//! 7. **After a close** drop the line with the reason given. Nothing follows: `deadline()` is `None` for good.
//!
//! # Example
//! The client of the echo pair from its first ping to its end, with the peer played by hand:
//! ```
//! use std::sync::Arc;
//!
//! use keepline_proto::liveness::{Action, Heartbeat, HeartbeatError, Monitor};
//! use keepline_proto::{Duration, Instant, Reason};
//!
//! let at = |secs| Instant::START + Duration::from_secs(secs);
//! // Ping after 5 s without a read or a write; the answer may take 4 s.
//! let heartbeat = Heartbeat::client(Duration::from_secs(5), Duration::from_secs(4))?;
//! let mut line = Monitor::new(Arc::new(heartbeat), at(0), 1);
//!
//! // Nothing happens, so the timer armed for the deadline fires: send a ping, and report it as written.
//! assert_eq!(line.deadline(), Some(at(5)));
//! let Action::Ping(nonce) = line.on_timeout(at(5)) else { panic!("quiet for 5 s") };
//! line.on_write(at(5));
//!
//! // The pong comes after a second: first it is bytes, then an answer.
//! line.on_read(at(6));
//! assert_eq!(line.on_pong(at(6), Some(nonce)), Some(Duration::from_secs(1)));
//!
//! // The next ping stays unanswered. At half of its time the line is suspect: prepare another one.
//! assert!(matches!(line.on_timeout(at(11)), Action::Ping(_)));
//! line.on_write(at(11));
//! assert_eq!(line.on_timeout(at(12)), Action::None); // too early: harmless
//! assert_eq!(line.on_timeout(at(13)), Action::Suspect);
//!
//! // At the end of its time the line is dead, and stays so.
//! assert_eq!(line.deadline(), Some(at(15)));
//! assert_eq!(line.on_timeout(at(15)), Action::Close(Reason::Silent));
//! assert_eq!(line.deadline(), None);
//! # Ok::<(), HeartbeatError>(())
//! ```

pub mod backoff;
pub mod disconnect;
pub mod liveness;
mod random;
pub mod time;
pub mod wire;

pub use backoff::{Backoff, BackoffError, BackoffSettings, RetryHint};
pub use disconnect::{Reason, Reconnect, Side};
pub use time::{Duration, Instant};
