//! The page of all settings and commands is what the code says.

use std::path::Path;
use std::process::Command;

/// `KEEPLINE_BLESS=1` writes it.
#[test]
fn the_reference_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference.md");
    let printed = Command::new(env!("CARGO_BIN_EXE_keepline")).args(["config", "reference"]).output().expect("it runs");
    let printed = String::from_utf8(printed.stdout).expect("UTF-8");
    assert!(printed.contains("`KEEPLINE_LISTEN__HTTP`") && printed.contains("### `keepline send`"), "{printed}");
    if std::env::var_os("KEEPLINE_BLESS").is_some() {
        std::fs::write(&path, &printed).expect("the page can be written");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = printed.lines().zip(page.lines()).find(|(printed, page)| printed != page);
    assert!(printed == page, "docs/reference.md is old: KEEPLINE_BLESS=1 writes it; it differs at {differs:#?}");
}
