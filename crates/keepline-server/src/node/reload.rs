//! Reload: what of its settings a running server takes anew, without dropping anybody.

use std::sync::Arc;

use super::{Node, send_limits, upgrade_within};
use crate::audit::Action;
use crate::config::{Config, ConfigError};
use crate::http::admin::AdminToken;
use crate::http::{Door, Services};
use crate::line::Lines;
use crate::live::Live;
use crate::retention;

/// What is reached only to be changed.
pub(super) struct Changing {
    pub(super) lines: Arc<Lines>,
    pub(super) door: Door,
    pub(super) retention: Arc<Live<retention::Limits>>,
    pub(super) admin_token: Option<AdminToken>,
    pub(super) memory: Arc<Live<Option<u64>>>,
}

impl Node {
    /// Takes these settings, as far as they can change while it runs: [`connections`](Config::connections),
    /// [`guard`](Config::guard), [`pace`](Config::pace), [`everyone`](Config::everyone),
    /// [`login_within`](Config::login_within) for lines that come from now on, [`retention`](Config::retention),
    /// [`memory`](Config::memory) and [`admin_token`](Config::admin_token) where there is one already. All others stay as
    /// they were at the start. Nobody who is in is closed for a limit; what was counted counts on. The certificate has its own
    /// [`reload`](crate::tls::Tls::reload).
    ///
    /// # Errors
    /// A server could not start with these settings: nothing has changed then.
    pub fn reload(&self, config: &Config) -> Result<(), ConfigError> {
        config.check()?;
        let lines = config.room()?.lines;
        let Services { guard, delivery, hub, .. } = &**self.services();
        self.lines.set_limits(config.guard.admission(lines));
        self.lines.set_deadlines(upgrade_within(config).into(), Some(config.login_within.into()));
        guard.set_limits(config.guard);
        delivery.set_limits(send_limits(config));
        let Changing { lines, door, retention, admin_token, memory } = &self.changing;
        memory.set(config.memory);
        hub.environment().overload.look_again();
        door.set_limits(&config.guard);
        lines.set_pace(config.pace);
        retention.set(config.retention);
        if let (Some(token), Some(new)) = (admin_token, &config.admin_token)
            && token.replace(new)
        {
            self.note(Action::KeyRotate, "admin token");
        }
        Ok(())
    }
}
