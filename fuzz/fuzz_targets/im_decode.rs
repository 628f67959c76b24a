//! Fuzz target: the IM codec, fed as a driver feeds it. The body is in `bodies/im_decode.rs`.
#![no_main]

#[path = "../bodies/feed.rs"]
mod feed;
#[path = "../bodies/im_decode.rs"]
mod im_decode;

libfuzzer_sys::fuzz_target!(|data: &[u8]| im_decode::run(data));
