//! Audit: where it is noted who did what.

use super::super::value::audit;
use super::{Key, ROW, put};

pub(super) const KEYS: &[Key] = &[Key {
    name: "audit.file",
    flag: Some("audit"),
    form: "FILE|off",
    about: "Note in this file who logs in or is refused, makes or calls back tokens, changes groups, ends sessions, or \
            asks the admin listener for something. Default: audit.log in the data directory, and off with --memory",
    set: |to, text| put(&mut to.audit, audit(text)),
    ..ROW
}];
