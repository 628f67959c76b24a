//! The floor server: raw epoll, a slab and a lazy wheel, to state our figures as ratios.

fn main() {}
