//! Documents: every command of every page does what the page says, on a machine of the page's own.
//!
//! What a page shows in a `console` block is compared by trycmd with what is printed. A `sh` block is run as one script
//! that has to end well. All blocks of a page are run in their order, by one shell: what one sets, the next one has.

mod commands;
mod failures;
mod languages;
mod names;
mod page;
mod place;
mod script;
