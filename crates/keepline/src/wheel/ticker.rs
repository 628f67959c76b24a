//! Ticker: the task that turns a runtime's wheel, and how lines find the wheel of theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use tokio::runtime;

use super::{BLOCK, Due, Wheel};
use crate::clock;
use crate::conn::Shared;

type Wheels = Mutex<HashMap<runtime::Id, Weak<Wheel<Shared>>>>;

static WHEELS: OnceLock<Wheels> = OnceLock::new();

/// The wheel of the current runtime; the first caller starts it.
///
/// # Panics
/// Outside of a tokio runtime.
pub(crate) fn current() -> Arc<Wheel<Shared>> {
    let handle = runtime::Handle::current();
    let wheel = {
        let mut map = WHEELS.get_or_init(Wheels::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wheel) = map.get(&handle.id()).and_then(Weak::upgrade) {
            return wheel;
        }
        let wheel = Arc::new(Wheel::new(clock::now()));
        map.insert(handle.id(), Arc::downgrade(&wheel));
        wheel
    };
    let (turning, ticking) = (Turning(handle.id()), Arc::clone(&wheel));
    // Not under the lock: a runtime that stops drops the task at once, and the task's end takes the lock.
    handle.spawn(async move {
        let _turning = turning;
        ticking.turn().await;
    });
    wheel
}

/// Removes a runtime's wheel from the map when the runtime drops its ticker.
struct Turning(runtime::Id);

impl Drop for Turning {
    fn drop(&mut self) {
        if let Some(wheels) = WHEELS.get() {
            wheels.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
        }
    }
}

impl<T: Due> Wheel<T> {
    /// Turns the wheel until the runtime stops.
    async fn turn(self: Arc<Self>) {
        let mut due = Vec::new();
        loop {
            let next = self.collect(clock::now(), &mut due);
            for owner in due.drain(..) {
                owner.on_due();
            }
            due.shrink_to(BLOCK);
            match next {
                Some(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(clock::to_tokio(at)) => {}
                        () = self.earlier.notified() => {}
                    }
                }
                None => self.earlier.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for the wheel while its runtime stops: a task that is dropped then may well hold a server.
    struct AsksAtTheEnd(runtime::Handle);

    impl Drop for AsksAtTheEnd {
        fn drop(&mut self) {
            let _entered = self.0.enter();
            drop(current());
        }
    }

    #[test]
    fn a_wheel_asked_for_by_a_stopping_runtime_does_not_hang() {
        let (done, ended) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let asks = AsksAtTheEnd(runtime.handle().clone());
            runtime.block_on(async {
                drop(tokio::spawn(async move {
                    let _asks = asks;
                    std::future::pending::<()>().await;
                }));
                tokio::task::yield_now().await;
            });
            drop(runtime);
            done.send(()).unwrap();
        });
        ended.recv_timeout(std::time::Duration::from_secs(20)).expect("the runtime's end waits for its own lock");
    }

    #[test]
    fn each_runtime_has_one_wheel_and_takes_it_along() {
        let runtime = |test: fn()| {
            let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async { test() });
            runtime.handle().id()
        };
        let id = runtime(|| assert!(Arc::ptr_eq(&current(), &current())));
        let map = WHEELS.get().unwrap().lock().unwrap();
        assert!(!map.contains_key(&id), "the map forgets a runtime that has ended");
    }
}
