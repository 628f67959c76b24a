//! The HTTP interface.

mod admin;
mod audit;
mod cim;
mod cim_flaws;
mod cim_line;
mod failing;
mod fixture;
mod limits;
mod metrics;
mod rate;
mod v1;
mod watching;
