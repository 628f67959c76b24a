//! One file a command: its flags, and what it does with them.

pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod echo;
pub(crate) mod restore;
pub(crate) mod serve;
