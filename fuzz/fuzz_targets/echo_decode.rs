//! Fuzz target: the echo codec, fed as a driver feeds it. The body is in `bodies/echo_decode.rs`.
#![no_main]

#[path = "../bodies/echo_decode.rs"]
mod echo_decode;
#[path = "../bodies/feed.rs"]
mod feed;

libfuzzer_sys::fuzz_target!(|data: &[u8]| echo_decode::run(data));
