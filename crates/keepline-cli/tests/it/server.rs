//! Server: the IM server under the faults of docs/reliability.md, each test named by its row.

mod bytes;
mod cim_cut;
mod crowded;
mod cut;
mod flags;
mod gone;
mod scene;
mod signals;
mod slow;
mod stopped;
mod strangers;
mod takeover;
