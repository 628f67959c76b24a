//! Fuzz target: a Monitor under any order of inputs. The body is in `bodies/monitor_ops.rs`.
#![no_main]

#[path = "../bodies/monitor_ops.rs"]
mod monitor_ops;

libfuzzer_sys::fuzz_target!(|data: &[u8]| monitor_ops::run(data));
