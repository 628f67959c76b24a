//! Replays the corpus of the Monitor's fuzz target, so that what a fuzzer once found stays found without a fuzzer.

use std::fs;
use std::path::Path;

#[path = "../../../../fuzz/bodies/monitor_ops.rs"]
pub(crate) mod monitor_ops;

#[test]
fn every_input_of_the_corpus_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/monitor_ops");
    let mut replayed = 0;
    for entry in fs::read_dir(&corpus).unwrap() {
        let input = entry.unwrap().path();
        let data = fs::read(&input).unwrap();
        let replay = std::panic::catch_unwind(|| monitor_ops::run(&data));
        assert!(replay.is_ok(), "{} fails", input.display());
        replayed += 1;
    }
    assert!(replayed >= 10, "{replayed} inputs in {}", corpus.display());
}
