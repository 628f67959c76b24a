//! The people of a benchmark: an account each, with a token for one device, and a group of all if it is wished.

use std::{
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::json;

use super::{
    super::{Deadline, Error},
    http::Client,
};

/// Connections that make accounts: the writes of so many share a sync of the disk.
const AT_ONCE: usize = 32;
/// Everybody's.
pub(super) const PASSWORD: &str = "a password of the benchmark";

/// Accounts, numbered from 0.
#[derive(Debug)]
pub(super) struct Town {
    /// By account: its token.
    pub(super) tokens: Vec<String>,
}

impl Town {
    /// Makes `count` accounts and a token for each, at a server's API.
    ///
    /// # Errors
    /// As [`Client`]'s.
    pub(super) fn found(api: SocketAddr, count: usize, deadline: &Deadline) -> Result<Self, Error> {
        let (next, tokens) = (AtomicUsize::new(0), Mutex::new(vec![String::new(); count]));
        let people = || -> Result<(), Error> {
            let mut client = Client::connect(api, deadline)?;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let (user, device) = (name(number), "bench");
                client.post("/v1/accounts", None, &json!({ "user": user, "password": PASSWORD }))?;
                let asked = json!({ "user": user, "password": PASSWORD, "device": device });
                let answer = client.post("/v1/tokens", None, &asked)?;
                let token = answer["token"].as_str().ok_or_else(|| Error::Failed("a token is missing".into()))?;
                token.clone_into(&mut tokens.lock().unwrap_or_else(PoisonError::into_inner)[number]);
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..AT_ONCE.min(count)).map(|_| scope.spawn(people)).collect();
            let ended_early = |_| Err(Error::Failed("making accounts ended early".into()));
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(ended_early))
        })?;
        Ok(Self { tokens: tokens.into_inner().unwrap_or_else(PoisonError::into_inner) })
    }

    /// Puts all of them into one group; the first one owns it. Its conversation.
    ///
    /// # Errors
    /// As [`Client`]'s.
    pub(super) fn gather(&self, api: SocketAddr, deadline: &Deadline) -> Result<String, Error> {
        let members: Vec<String> = (1..self.tokens.len()).map(name).collect();
        let group = json!({ "group": "everybody", "members": members });
        Client::connect(api, deadline)?.post("/v1/groups", self.tokens.first().map(String::as_str), &group)?;
        Ok("g.everybody".to_owned())
    }
}

/// The private conversation of two accounts.
pub(super) fn between(one: usize, other: usize) -> String {
    // Of one length, so that their order is that of the numbers.
    format!("p.{}.{}", name(one.min(other)), name(one.max(other)))
}

/// Of an account, by its number.
pub(super) fn name(number: usize) -> String {
    format!("u{number:06}")
}
