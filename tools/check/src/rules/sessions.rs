//! `zombie`: a session that a later one has replaced gets nothing done.

use std::collections::{HashMap, HashSet};

use super::Rule;
use crate::event::{Device, Event, Key, Kind};
use crate::index::Index;
use crate::names::Name;
use crate::report::{Counter, Report};

/// What began before the later session was open may have been done before it: only what began after counts.
#[derive(Debug, Default)]
pub(super) struct Zombies {
    /// The highest session that a device was given.
    highest: HashMap<Device, u64>,
    /// Sends begun in a session that had been replaced, by the session.
    late: HashSet<(Key, u64)>,
    /// The highest session of the device when a process began its login.
    logins: HashMap<(Name, Device), u64>,
}

impl Rule for Zombies {
    fn observe(&mut self, event: &Event, index: &Index, report: &mut Report) {
        let highest = self.highest.get(&event.device).copied().unwrap_or(0);
        match event.kind {
            Kind::Send(key, _) if event.session != 0 && event.session < highest => {
                self.late.insert((key, event.session));
            }
            Kind::Acked(key, seq) if self.late.remove(&(key, event.session)) => {
                report.add(Counter::Zombie, || {
                    format!("{} seq {seq} in session {} after {highest}", index.message_name(key), event.session)
                });
            }
            Kind::LoginBegun => {
                self.logins.insert((event.process, event.device), highest);
            }
            Kind::LoggedIn => {
                let before = self.logins.remove(&(event.process, event.device)).unwrap_or(0);
                if event.session <= before {
                    report.add(Counter::Zombie, || {
                        let device = index.device_name(event.device);
                        format!("{device} was given session {} after session {before}", event.session)
                    });
                }
                self.highest.insert(event.device, highest.max(event.session));
            }
            _ => {}
        }
    }
}
