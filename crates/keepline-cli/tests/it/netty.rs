//! Netty: our two ends against the article's two, as Netty 4.1 runs them.

mod frames;
mod pair;
mod table;
