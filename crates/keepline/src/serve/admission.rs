//! Admission: the limits of an address, for what a program accepts by itself beside its lines, as HTTP.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keepline_proto::Reason;

use super::limits::Limits;
use super::sources::{SourceId, Sources};
use crate::clock;

/// How many connections each address may have, and how fast they may come. Of [`Limits`] it holds
/// [`per_address`](Limits::per_address) and [`new_per_address`](Limits::new_per_address); the rest is for whoever
/// accepts.
///
/// ```
/// use keepline::serve::{Admission, Limits};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut limits = Limits::default();
/// limits.per_address = Some(1);
/// let admission = Admission::new(limits);
/// let address = "192.0.2.1".parse()?;
/// let first = admission.admit(address);
/// assert!(first.is_ok() && admission.admit(address).is_err());
/// drop(first);
/// assert!(admission.admit(address).is_ok(), "its place is free again");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Admission {
    state: Mutex<State>,
}

struct State {
    limits: Limits,
    sources: Sources,
}

/// A place of an address, given back when this is dropped.
#[must_use = "dropped, the place is free again"]
pub struct Admitted {
    admission: Arc<Admission>,
    source: SourceId,
}

impl Admission {
    /// With these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { limits, sources: Sources::default() }) })
    }

    /// Other limits from now on. Who has a place keeps it.
    pub fn set_limits(&self, limits: Limits) {
        self.lock().limits = limits;
    }

    /// A place for one more connection from an address.
    ///
    /// # Errors
    /// [`RateLimited`](Reason::RateLimited): it has its share, or comes too fast.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Admitted, Reason> {
        let mut state = self.lock();
        let State { limits, sources } = &mut *state;
        let source = sources.admit(Some(address), limits, clock::now())?;
        sources.establish(source);
        drop(state);
        Ok(Admitted { admission: Arc::clone(self), source })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No user code runs under the lock: what is there is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.lock().sources.release(self.source);
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission").field("limits", &self.lock().limits).finish_non_exhaustive()
    }
}

impl fmt::Debug for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admitted").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::rate::Rate;
    use super::*;

    /// How many of ten are let in at once, each kept open where told.
    fn let_in(admission: &Arc<Admission>, address: &str, kept: &mut Vec<Admitted>, keep: bool) -> usize {
        let admitted = (0..10).filter_map(|_| {
            let admitted = admission.admit(address.parse().unwrap()).ok()?;
            if keep {
                kept.push(admitted);
            }
            Some(())
        });
        admitted.count()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_so_many_at_once_and_so_many_a_second() {
        let rate = Some(Rate { per_second: 2, burst: 5 });
        let admission = Admission::new(Limits { per_address: Some(3), new_per_address: rate, ..Limits::default() });
        let mut kept = Vec::new();
        assert_eq!(let_in(&admission, "192.0.2.1", &mut kept, true), 3, "open at once");
        kept.clear();
        assert_eq!(let_in(&admission, "192.0.2.1", &mut kept, false), 2, "the rest of five");
        assert_eq!(let_in(&admission, "192.0.2.2", &mut kept, false), 5, "another has its own");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(let_in(&admission, "192.0.2.1", &mut kept, false), 2, "of one second");
        admission.set_limits(Limits { per_address: Some(1), ..Limits::default() });
        assert_eq!(let_in(&admission, "192.0.2.1", &mut kept, true), 1, "by the new limits");
    }
}
