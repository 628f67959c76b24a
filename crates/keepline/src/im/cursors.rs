//! Cursors: where a program keeps how far it is in each conversation.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::message::Mark;

/// Keeps the marks of what an application has for good.
///
/// A chat loads them when it starts, and saves each before it acknowledges it to the server: whatever is lost, a message
/// comes again rather than not at all. They are for programs whose own data may be older than the server's account of the
/// device, as after the restore of a database: store the marks with the data.
pub trait Cursors: Send + Sync + 'static {
    /// The mark of each conversation; at most 16,384 are kept account of. Called by
    /// [`Chat::start`](super::Chat::start), on its thread.
    ///
    /// # Errors
    /// They can't be read: the chat does not start.
    fn load(&self) -> io::Result<Vec<Mark>>;

    /// The marks of these conversations from now on, all that are due, each conversation once. One may be lower than the
    /// last, where the server's numbering has begun anew. Called on a thread where it may block, one call at a time.
    ///
    /// # Errors
    /// They can't be stored now; the chat tries again after a second, and acknowledges nothing until then.
    fn save(&self, marks: &[Mark]) -> io::Result<()>;
}

/// Marks that live as long as this value, as in an `Arc` that several chats of a process have in turn.
#[derive(Debug, Default)]
pub struct InMemory {
    marks: Mutex<BTreeMap<Arc<str>, Mark>>,
}

impl Cursors for InMemory {
    fn load(&self) -> io::Result<Vec<Mark>> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(marks.values().cloned().collect())
    }

    fn save(&self, marks: &[Mark]) -> io::Result<()> {
        let mut kept = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(marks.iter().map(|mark| (Arc::clone(&mark.conversation), mark.clone())));
        Ok(())
    }
}
