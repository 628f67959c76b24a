//! The figures that do not jitter, held in every run: memory, never early, system calls. The others stand in
//! BENCHMARKS.md alone.

use std::process::Command;

use serde_json::Value;

#[test]
fn an_idle_line_weighs_at_most_640_bytes_and_none_of_10_000_is_evicted_early() {
    let result = bench(&["idle", "--connections", "2000,10000", "--evict-limit", "4s"]);
    let bytes = number(&result, "user_bytes_per_line");
    println!("user memory per idle line: {bytes} bytes");
    assert!((1.0..=640.0).contains(&bytes), "{bytes} bytes of user memory per idle line");
    assert_eq!(number(&result, "early"), 0.0, "lines evicted early");
    assert_eq!(number(&result, "unclosed"), 0.0, "lines never evicted");
}

#[test]
fn a_message_at_depth_16_costs_at_most_a_fifth_of_a_system_call() {
    let result = bench(&["echo", "--depth", "16", "--duration", "1s", "--syscalls"]);
    let calls = number(&result, "syscalls_per_message");
    println!("system calls per message: {calls}");
    // Two of sixteen messages is the floor: one read and one write for all of them.
    assert!((0.01..=0.2).contains(&calls), "{calls} system calls per message");
}

/// Runs a benchmark against a server of its own; its figures.
fn bench(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_keepline"))
        .arg("bench")
        .args(arguments)
        .arg("--json")
        .output()
        .expect("the benchmark starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    report["servers"][0]["result"].clone()
}

fn number(result: &Value, name: &str) -> f64 {
    result[name].as_f64().unwrap_or_else(|| panic!("no figure {name} in {result}"))
}
