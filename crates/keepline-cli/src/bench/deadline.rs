//! The end of the time that a benchmark may take.

use std::time::{Duration, Instant};

use super::Error;

/// When the whole command must be over, whatever the server does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    /// Starts the clock.
    pub(crate) fn after(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }

    /// The time that is left; zero once it is over.
    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Fails once the time is over.
    ///
    /// # Errors
    /// [`Error::Failed`], naming what was going on.
    pub(crate) fn check(&self, now: Instant, doing: &str) -> Result<(), Error> {
        if now < self.at {
            return Ok(());
        }
        Err(Error::Failed(format!(
            "the time limit of {} is over while {doing}: raise --time-limit, or ask for less load or fewer rounds",
            humantime::format_duration(self.limit)
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_a_failure_that_says_what_was_going_on() {
        let deadline = Deadline::after(Duration::from_secs(60));
        assert!(deadline.check(deadline.at - Duration::from_nanos(1), "echoing").is_ok());
        let error = deadline.check(deadline.at, "echoing").unwrap_err();
        assert_eq!(error.exit_code(), 1);
        assert!(error.to_string().starts_with("the time limit of 1m is over while echoing"), "{error}");
        assert!(Deadline::after(Duration::ZERO).left().is_zero());
    }
}
