//! cim: its own client, as our Java peer plays it, and its own integration scenarios.

mod frames;
