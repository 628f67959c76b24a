//! The history checker: reads what clients of a messaging server saw, and says whether the server kept its word.
//!
//! Each process of a run writes a file of JSON lines, one [`Record`] a line. [`check_files`] merges the files by the
//! machine's monotonic clock and judges them in one pass; what is kept grows with the messages, not with the records.
//! The names of the counters follow Jepsen's checker `total-queue` (lost, unexpected, recovered, duplicated).
//!
//! It depends on nothing of the project: a server and its judge that share code share mistakes.
//!
//! Three principles:
//! - **Absence is judged only where we looked.** A reading of the store that failed, or a device that had no time
//!   to catch up, is unknown, and a run with anything unknown is void, never green and never red for it.
//! - **The server's word excuses nothing.** What a client is told is gone must have been dropped by the limits that the
//!   run set, said by whoever set them ([`Op::Drop`]), and must not be found in the store; else it is a `false_gap`.
//! - **One event, one counter.** A delivery that comes twice is a duplicate and not also out of order, so that a red
//!   counter names what went wrong.
//!
//! ```
//! use keepline_check::{BodyHash, Checker, Counter, MessageId, Op, Phase, Record};
//!
//! let ann = |at, op, phase| Record::new(op, phase).at(at, 0).by("p1", "ann", "phone");
//! let id = MessageId(7);
//! let mut checker = Checker::default();
//! checker.observe(&ann(1, Op::Send, Phase::Invoke).message("p.ann.bob", id).body(BodyHash::of(b"hello")))?;
//! checker.observe(&ann(2, Op::Send, Phase::Ok).message("p.ann.bob", id).seq(1))?;
//! // The store was read to its end, and there is nothing in it.
//! checker.observe(&Record::new(Op::Read, Phase::Ok).at(3, 0).by("p1", "", "").conv("p.ann.bob").seq(0))?;
//! assert_eq!(checker.finish().count(Counter::Lost), 1);
//! # Ok::<(), keepline_check::Malformed>(())
//! ```

mod checker;
mod event;
mod index;
mod merge;
mod names;
mod ranges;
mod reader;
mod record;
mod report;
mod rules;

pub use checker::{CheckError, Checker, check_files};
pub use event::Malformed;
pub use reader::ReadError;
pub use record::{BodyHash, MessageId, Op, Phase, Record};
pub use report::{Counter, Expect, Report, Totals, Verdict};
