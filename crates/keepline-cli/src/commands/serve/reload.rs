//! Reload: what a running server reads again at SIGHUP, without dropping a line.

use std::sync::Arc;

use keepline_server::Node;
use keepline_server::tls::Reloaded;

use crate::config::{Effective, Sources};
use crate::log::Log;

/// The settings in force, and where they come from.
#[derive(Debug)]
pub(super) struct Reload<'a> {
    pub(super) sources: &'a Sources,
    pub(super) effective: Effective,
    pub(super) log: &'a Log,
}

impl Reload<'_> {
    /// Reads all again. What is wrong in the settings leaves them as they are; a certificate is another matter.
    pub(super) async fn again(&mut self, node: &Node) {
        match self.sources.load() {
            Ok(new) => self.take(new),
            Err(problems) => {
                for problem in problems.to_string().lines() {
                    tracing::error!(problem, "the settings stay as they are");
                }
            }
        }
        if let Some(tls) = node.tls() {
            let reading = Arc::clone(tls);
            // Files are not for the threads of the runtime.
            match tokio::task::spawn_blocking(move || reading.reload()).await {
                Ok(Ok(Reloaded::Changed)) => tracing::warn!("reloaded: another certificate is shown from now on"),
                Ok(Ok(Reloaded::Same)) => tracing::warn!("reloaded: the certificate is the same"),
                Ok(Err(error)) => tracing::error!(%error, "the new certificate can't be used: the old one is shown on"),
                Err(error) => tracing::error!(%error, "the certificate was not read"),
            }
        }
    }

    fn take(&mut self, new: Effective) {
        for (old, new) in self.effective.chosen().iter().zip(new.chosen()).filter(|(old, new)| !old.is_as(new)) {
            let (key, value) = (new.key.name, new.shown());
            if new.key.reload {
                tracing::warn!(key, value, "reloaded");
            } else {
                tracing::warn!(key, value, was = old.shown(), "changed, and waits for a restart");
            }
        }
        if let Err(error) = self.log.set_filter(&new.settings.log.filter) {
            tracing::error!(%error, "the filter of the log stays as it is");
        }
        self.effective = new;
    }
}
