//! Names: the users and groups that Tab knows.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fold;
use super::questions;
use crate::api::Api;

/// The most names of each kind.
const MOST: usize = 4096;

/// Names for completion, shared with the terminal's thread.
#[derive(Debug, Default)]
pub(super) struct Names {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    users: BTreeSet<String>,
    groups: BTreeSet<String>,
}

impl Names {
    pub(super) fn add_user(&self, name: &str) {
        add(&mut self.lock().users, name);
    }

    pub(super) fn add_group(&self, name: &str) {
        add(&mut self.lock().groups, name);
    }

    pub(super) fn forget_group(&self, name: &str) {
        self.lock().groups.remove(name);
    }

    /// Asks the server for those who are online and for our groups, in the background. What can't be had is left out.
    pub(super) fn refresh(self: &Arc<Self>, api: &Arc<Api>) {
        let (names, api) = (Arc::clone(self), Arc::clone(api));
        drop(tokio::spawn(async move {
            for user in questions::users(&api).await.map(|(users, _)| users).unwrap_or_default() {
                names.add_user(&user.user);
            }
            for group in api.groups().await.unwrap_or_default() {
                names.add_group(&group.group);
            }
        }));
    }

    /// Users whose name begins so, whatever the case.
    pub(super) fn users(&self, begin: &str) -> Vec<String> {
        beginning(&self.lock().users, begin)
    }

    /// The same of groups.
    pub(super) fn groups(&self, begin: &str) -> Vec<String> {
        beginning(&self.lock().groups, begin)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(names: &mut BTreeSet<String>, name: &str) {
    if names.len() < MOST {
        names.insert(name.to_owned());
    }
}

fn beginning(names: &BTreeSet<String>, begin: &str) -> Vec<String> {
    names.iter().filter(|name| fold::prefix(name, begin).is_some()).cloned().collect()
}
