//! Replays the corpus of every fuzz target, so that what a fuzzer once found stays found without a fuzzer.
#![expect(clippy::disallowed_methods, reason = "the corpus lies in files; the core itself has none")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../../../fuzz/bodies/echo_decode.rs"]
mod echo_decode;
#[path = "../../../../fuzz/bodies/feed.rs"]
pub(crate) mod feed;
#[cfg(feature = "im")]
#[path = "../../../../fuzz/bodies/im_decode.rs"]
mod im_decode;
#[path = "../../../../fuzz/bodies/line_decode.rs"]
mod line_decode;
#[path = "../../../../fuzz/bodies/monitor_ops.rs"]
pub(crate) mod monitor_ops;

/// A fuzz target and its body.
type Target = (&'static str, fn(&[u8]));

const TARGETS: &[Target] = &[
    ("echo_decode", echo_decode::run),
    #[cfg(feature = "im")]
    ("im_decode", im_decode::run),
    ("line_decode", line_decode::run),
    ("monitor_ops", monitor_ops::run),
];

#[test]
fn every_input_of_the_corpus_passes() {
    for (target, run) in TARGETS {
        let inputs = files(&fuzz().join("corpus").join(target));
        assert!(!inputs.is_empty(), "no corpus for {target}");
        for input in inputs {
            let data = fs::read(&input).unwrap();
            let replay = std::panic::catch_unwind(|| run(&data));
            assert!(replay.is_ok(), "{} fails", input.display());
        }
    }
}

#[test]
fn every_fuzz_target_is_replayed() {
    let mut there: Vec<_> = files(&fuzz().join("fuzz_targets"))
        .iter()
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    there.retain(|target| cfg!(feature = "im") || target != "im_decode");
    there.sort();
    assert!(there.iter().eq(TARGETS.iter().map(|(target, _)| target)), "fuzz targets: {there:?}");
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    entries.iter().map(fs::DirEntry::path).collect()
}
