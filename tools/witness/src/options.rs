//! `Options`: who a witness is, and how it behaves.

use std::net::SocketAddr;
use std::time::Duration;

use crate::application::Application;

/// Who a witness is, and how it behaves. The default is a good client.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The server's listener of the long connection.
    pub server: SocketAddr,
    /// The user.
    pub user: String,
    /// The user's device.
    pub device: String,
    /// The token of that device.
    pub token: String,
    /// How many messages may be without an answer; the next waits. 1 by default and at least.
    pub in_flight: usize,
    /// What it acknowledges.
    pub acks: Acks,
    /// Whether it tells the server after each login what it has, or lets the server's own account hold.
    pub resume: bool,
    /// What the device's application has. Give two witnesses the same to let one take the device over.
    pub application: Application,
    /// How long an answer to a ping may take before the line is given up. 5 s by default.
    pub patience: Duration,
    /// The window of the first wait after a cut, which doubles with each failure up to `longest_wait`. 50 ms.
    pub first_wait: Duration,
    /// The longest window of a wait. 1 s.
    pub longest_wait: Duration,
    /// Whether it comes back after a line ended, where the reason allows it.
    pub reconnect: bool,
    /// The size of its socket's receive buffer, in bytes; the kernel's own if `None`. Small for a slow consumer.
    pub receive_buffer: Option<u32>,
    /// Seed of its waits.
    pub seed: u64,
}

/// What a witness acknowledges of the messages it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Acks {
    /// Each.
    Each,
    /// Every so many of a conversation, and what is before it. What was not acknowledged comes again after a cut.
    Every(u64),
    /// None.
    Never,
}

impl Options {
    /// A good client.
    #[must_use]
    pub fn new(server: SocketAddr, user: &str, device: &str, token: &str) -> Self {
        Self {
            server,
            user: user.to_owned(),
            device: device.to_owned(),
            token: token.to_owned(),
            in_flight: 1,
            acks: Acks::Each,
            resume: false,
            application: Application::default(),
            patience: Duration::from_secs(5),
            first_wait: Duration::from_millis(50),
            longest_wait: Duration::from_secs(1),
            reconnect: true,
            receive_buffer: None,
            seed: 1,
        }
    }
}
