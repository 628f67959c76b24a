//! What idle detection costs in instructions, counted by callgrind: the same driver with and without keeping time.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The most a frame may pay for idle detection, the clock's reading apart.
const LIMIT: u64 = 40;

#[test]
fn idle_detection_costs_a_frame_at_most_forty_instructions() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("SKIPPED: valgrind is not installed");
        return;
    }
    let (with, without) = (build("target", ""), build("target/unwatched", "--cfg keepline_unwatched"));
    let clock = each(&with, &["clock"]);
    println!("clock: {clock} instructions a reading");
    // Told, not judged: it is real time, and the runtime's part of it is not ours.
    let [few, many] =
        ["1", "101"].map(|lines| collected(&with, &["ticks", lines], 40) - collected(&with, &["ticks", lines], 10));
    println!("ticks: {} instructions a check of one line more, {} of one alone", (many - few) / 3000, few / 30);
    for depth in [1, 16] {
        let turn = |binary: &Path| each(binary, &["line", &depth.to_string()]);
        let (with, without) = (turn(&with), turn(&without));
        let cost = with.saturating_sub(without).saturating_sub(clock);
        println!("depth {depth}: {with} a turn, {without} without; idle detection {cost} and one clock reading");
        assert!(without < with, "the driver without time does less");
        assert!(cost <= LIMIT, "depth {depth}: {cost} instructions");
    }
}

/// Builds the program with flags of its own, in a folder of its own.
fn build(target: &str, flags: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = root.join(target);
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--release", "--package", "weigh", "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", flags)
        .current_dir(&root)
        .status()
        .expect("cargo runs");
    assert!(built.success(), "weigh does not build with {flags:?}");
    target.join("release/weigh")
}

/// Instructions of one repetition: the difference of two runs leaves start and end out.
fn each(binary: &Path, arguments: &[&str]) -> u64 {
    let [few, many] = [5_000, 25_000].map(|times| collected(binary, arguments, times));
    (many - few) / 20_000
}

fn collected(binary: &Path, arguments: &[&str], times: u32) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .args(arguments)
        .arg(times.to_string())
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text.lines().find_map(|line| line.split("Collected :").nth(1));
    let count = count.unwrap_or_else(|| panic!("callgrind counted nothing: {text}"));
    count.trim().parse().expect("callgrind prints a number")
}
