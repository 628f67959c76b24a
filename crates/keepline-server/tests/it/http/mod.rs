//! The HTTP interface.

mod limits;
