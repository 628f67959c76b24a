//! Cursors: where a program keeps how far it is in each conversation.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::message::Mark;

/// Keeps the marks of what an application has for good.
///
/// A chat loads them when it starts, and saves each before it acknowledges it to the server: whatever is lost, a message
/// comes again rather than not at all. Called from the chat's task, one call at a time; a call that takes long keeps the
/// line waiting.
///
/// Without marks of its own a device goes on from the server's account of it. They are for programs whose own data may be
/// older than that, as after the restore of a database: store the marks with the data.
pub trait Cursors: Send + Sync + 'static {
    /// The mark of each conversation; at most 16,384 are kept account of.
    ///
    /// # Errors
    /// They can't be read: the chat does not start.
    fn load(&self) -> io::Result<Vec<Mark>>;

    /// The mark of a conversation from now on. It may be lower than the last one, where the server's numbering has begun
    /// anew.
    ///
    /// # Errors
    /// It can't be stored now; the chat tries again after a second, and acknowledges nothing until then.
    fn save(&self, mark: &Mark) -> io::Result<()>;
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

    fn save(&self, mark: &Mark) -> io::Result<()> {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.insert(Arc::clone(&mark.conversation), mark.clone());
        Ok(())
    }
}
