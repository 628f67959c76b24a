//! Weather: rows A11, C2, C5, C6, C8, G1 and G2: bad paths, a storm of logins, little memory, little of the CPU, churn, a
//! wall clock that jumps and a server that stands still.

mod bodies;
mod churn;
mod clock;
mod memory;
mod path;
mod pause;
mod quota;
mod sessions;
mod storm;
