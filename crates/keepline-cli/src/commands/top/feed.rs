//! Feed: asks the server for one picture after another, in a task of its own, and never two at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::picture::{Picture, Question, take};
use crate::api::Admin;

/// The longest wait before a server that does not answer is asked again.
const LONGEST: Duration = Duration::from_secs(10);

/// After a change of what is asked: keys that come as fast as a held one lead to one question.
const REST: Duration = Duration::from_millis(50);

/// What the feed has to say.
#[derive(Debug)]
pub(super) enum News {
    Picture(Box<Picture>),
    /// It did not answer, and is asked again after so long.
    Down {
        why: String,
        again: Duration,
    },
}

/// Asks until nobody wants to know any more: `every` so often, and at once where something else is asked.
pub(super) async fn run(
    admin: Arc<Admin>,
    mut wanted: watch::Receiver<Question>,
    news: mpsc::Sender<News>,
    every: Duration,
) {
    let mut failures = 0;
    loop {
        let question = wanted.borrow_and_update().clone();
        let (said, wait) = match take(&admin, &question).await {
            Ok(picture) => {
                failures = 0;
                (News::Picture(Box::new(picture)), every)
            }
            Err(error) => {
                failures += 1;
                let again = pause(failures, every);
                (News::Down { why: error.to_string(), again }, again)
            }
        };
        if news.send(said).await.is_err() {
            return;
        }
        let by = Instant::now() + wait;
        if failures > 0 {
            // Who looks elsewhere meanwhile does not bring it back.
            tokio::time::sleep_until(by).await;
            continue;
        }
        match timeout_at(by, wanted.changed()).await {
            Ok(Ok(())) => sleep(REST).await,
            Ok(Err(_)) => return,
            Err(_) => {}
        }
    }
}

/// The wait after so many failures in a row: from the usual one, twice as long each time.
fn pause(failures: u32, every: Duration) -> Duration {
    let first = every.max(Duration::from_secs(1));
    first.saturating_mul(1 << (failures - 1).min(8)).min(LONGEST.max(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_answer_is_asked_less_and_less() {
        let secs = Duration::from_secs;
        let waits: Vec<_> = (1..7).map(|failures| pause(failures, secs(1)).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        assert_eq!(pause(1, Duration::from_millis(100)), secs(1));
        assert_eq!((pause(1, secs(30)), pause(9, secs(30)), pause(1000, secs(1))), (secs(30), secs(30), secs(10)));
    }
}
