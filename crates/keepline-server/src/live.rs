//! Live: a setting that may change while the server runs.

use std::sync::{PoisonError, RwLock};

/// A value that many read, and that is put in seldom.
#[derive(Debug, Default)]
pub(crate) struct Live<T>(RwLock<T>);

impl<T: Copy> Live<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    /// What it is now.
    pub(crate) fn get(&self) -> T {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is another from now on.
    pub(crate) fn set(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = value;
    }
}
