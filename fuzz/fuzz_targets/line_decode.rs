//! Fuzz target: the line codec, fed as a driver feeds it. The body is in `bodies/line_decode.rs`.
#![no_main]

#[path = "../bodies/feed.rs"]
mod feed;
#[path = "../bodies/line_decode.rs"]
mod line_decode;

libfuzzer_sys::fuzz_target!(|data: &[u8]| line_decode::run(data));
