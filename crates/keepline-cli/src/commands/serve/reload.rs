//! Reload: what a running server reads again at SIGHUP, without dropping a line.
//!
//! All settings are read as at the start: flags over the environment over the file. What can change while it runs is
//! taken, what can't is named, and what is wrong changes nothing.

use std::sync::Arc;

use keepline_server::accounts::jwt::{Issuer, IssuerSettings};
use keepline_server::audit::{Action, Actor, Audit, Entry, Outcome};
use keepline_server::tls::{Reloaded, Tls, TlsFiles};
use keepline_server::{Config, Node};

use super::admin_token;
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
    /// Reads all again.
    pub(super) async fn again(&mut self, node: &Node) {
        let audit = node.services().audit();
        // First, so that what follows stands in the new file.
        if let Err(error) = audit.reopen().await {
            tracing::error!(%error, "the audit log goes on in the file that it has");
        }
        let note = |what: &str, taken: bool| {
            let outcome = if taken { Outcome::Done } else { Outcome::Refused("unusable") };
            audit.note(&Entry::new(Actor::Server, Action::Reload, outcome).about(what));
        };
        let taken = match self.sources.load() {
            Ok(new) => self.take(&new, node),
            Err(problems) => {
                for problem in problems.to_string().lines() {
                    tracing::error!(problem, "the settings stay as they are");
                }
                false
            }
        };
        note("settings", taken);
        // Files are read wherever they are by now; also if the settings are wrong, as they are another matter.
        let Config { issuer: settings, tls: files, .. } = self.effective.settings.server();
        let rotated = |what: &str| audit.note(&Entry::new(Actor::Server, Action::KeyRotate, Outcome::Done).about(what));
        if let Some((issuer, settings)) = node.services().accounts.issuer().zip(settings) {
            let read = read_keys(Arc::clone(issuer), settings).await;
            note("keys of tokens", read.is_some());
            if read == Some(true) {
                rotated(&format!("keys of tokens: {}", issuer.kids().join(", ")));
            }
        }
        if let Some(tls) = node.tls() {
            let read = show_again(Arc::clone(tls), files).await;
            note("certificate", read.is_some());
            if read == Some(Reloaded::Changed) {
                rotated("certificate");
            }
        }
    }

    /// Takes what can change while it runs, if all of it could be started with; else false.
    fn take(&mut self, new: &Effective, node: &Node) -> bool {
        let next = self.effective.taking(new);
        let mut config = next.settings.server();
        let checked = new.settings.server().check().and_then(|()| config.check());
        if let Err(problem) = checked {
            tracing::error!(%problem, "the settings stay as they are");
            return false;
        }
        match admin_token::again(&next.settings) {
            Ok(token) => config.admin_token = token,
            Err(error) => tracing::error!(%error, "the token of the admin listener stays as it is"),
        }
        if let Err(problem) = node.reload(&config) {
            tracing::error!(%problem, "the settings stay as they are");
            return false;
        }
        self.tell(new, node.services().audit());
        if let Err(error) = self.log.set_filter(&next.settings.log.filter) {
            tracing::error!(%error, "the filter of the log stays as it is");
        }
        self.log.set_rate(next.settings.log.rate);
        self.effective = next;
        true
    }

    /// What is another than it was, by name. What waits is told each time, as it waits on; in the audit log too, without
    /// the values.
    fn tell(&self, new: &Effective, audit: &Audit) {
        for (old, new) in self.effective.chosen().iter().zip(new.chosen()).filter(|(old, new)| !old.is_as(new)) {
            let (key, value, was) = (new.key.name, new.shown(), old.shown());
            let outcome = if old.becomes(new) { Outcome::Done } else { Outcome::Refused("needs_restart") };
            audit.note(&Entry::new(Actor::Server, Action::Reload, outcome).about(key));
            if outcome == Outcome::Done {
                tracing::warn!(key, value, was, "reloaded");
            } else {
                tracing::warn!(key, value, was, "changed, and waits for a restart");
            }
        }
    }
}

/// Whether other keys are in force than before; `None` if those of the file can't be.
async fn read_keys(issuer: Arc<Issuer>, settings: IssuerSettings) -> Option<bool> {
    let read = move || issuer.reload(settings).map(|changed| (changed, issuer.kids()));
    let read = tokio::task::spawn_blocking(read).await;
    match &read {
        Ok(Ok((_, kids))) => tracing::warn!(?kids, "reloaded: the keys of tokens"),
        Ok(Err(error)) => tracing::error!(%error, "the new keys of tokens can't be used: the old ones stay"),
        Err(error) => tracing::error!(%error, "the keys of tokens were not read"),
    }
    Some(read.ok()?.ok()?.0)
}

/// Whether another certificate is shown; `None` if that of the files can't be.
async fn show_again(tls: Arc<Tls>, files: Option<TlsFiles>) -> Option<Reloaded> {
    let read = move || match files.filter(|files| *files != tls.files()) {
        Some(files) => tls.reload_from(files),
        None => tls.reload(),
    };
    // Files are not for the threads of the runtime.
    let read = tokio::task::spawn_blocking(read).await;
    match &read {
        Ok(Ok(Reloaded::Changed)) => tracing::warn!("reloaded: another certificate is shown from now on"),
        Ok(Ok(Reloaded::Same)) => tracing::warn!("reloaded: the certificate is the same"),
        Ok(Err(error)) => tracing::error!(%error, "the new certificate can't be used: the old one is shown on"),
        Err(error) => tracing::error!(%error, "the certificate was not read"),
    }
    read.ok()?.ok()
}
