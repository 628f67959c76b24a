//! Stop: the signals that ask a process to end.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT (Ctrl-C) and SIGTERM, from the moment this is made: none that comes later is lost.
///
/// # Example
/// ```no_run
/// use keepline::serve::{Server, Stop};
/// use keepline::{Duration, Settings, echo::Mirror, liveness::Heartbeat};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let mut stop = Stop::new()?;
/// let settings = Settings::new(Heartbeat::watch(Duration::from_secs(10))?);
/// let server = Server::bind("127.0.0.1:12345".parse()?, settings)?;
/// let handle = server.handle();
/// let running = tokio::spawn(server.run(Mirror));
/// stop.next().await;
/// handle.drain(Duration::from_secs(5));
/// running.await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Takes the two signals over from their default, which is death, for the rest of the process's life: also after
    /// this value is dropped they end nothing any more.
    ///
    /// # Errors
    /// The handlers can't be installed.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O enabled.
    pub fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The next of them; several that came while nobody waited may count as one. Cancel-safe.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
