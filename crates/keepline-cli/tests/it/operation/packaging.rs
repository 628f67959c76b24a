//! What the packages say to the server is what it understands.

use std::fs;
use std::path::{Path, PathBuf};

use super::keepline;

fn packaging(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(file)
}

fn lines(file: &str) -> Vec<String> {
    let text = fs::read_to_string(packaging(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn the_packaged_settings_are_ones_that_a_server_takes() {
    let path = packaging("keepline.toml");
    let arguments = ["config", "check", path.to_str().expect("UTF-8")];
    let output = keepline("", &[]).args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let commented: String =
        lines("keepline.toml").iter().filter_map(|line| line.strip_prefix("# ")).fold(String::new(), |text, line| {
            if line.contains(" = ") || line.starts_with('[') { text + line + "\n" } else { text }
        });
    let whole = format!("{commented}[store]\ndata = \"x\"\n");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaged-keepline.toml");
    fs::write(&file, whole).expect("a file");
    let output = keepline("config show --json --config", &[]).arg(&file).output().expect("it runs");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(shown.contains("/etc/keepline/cert.pem") && shown.contains("0.0.0.0:8083"), "{shown}");
}

#[test]
fn the_unit_starts_what_there_is() {
    let unit = lines("keepline.service");
    let start = unit.iter().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/keepline ")).expect("a command");
    let output = keepline(start, &[]).arg("--help").output().expect("it runs");
    assert!(output.status.success(), "{start}: {}", String::from_utf8_lossy(&output.stderr));
    // A pulse of one second, and some seconds of patience.
    let watchdog =
        unit.iter().find_map(|line| line.strip_prefix("WatchdogSec=")?.strip_suffix('s')).expect("a watchdog");
    assert!(watchdog.parse::<u32>().is_ok_and(|seconds| seconds >= 10), "{watchdog}");
}

#[test]
fn the_container_s_variables_are_settings() {
    let dockerfile = lines("Dockerfile").join("\n");
    let words = dockerfile.split_ascii_whitespace().filter(|word| word.starts_with("KEEPLINE_") && word.contains("__"));
    let variables: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
    assert!(variables.len() >= 4, "{variables:?}");
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.trim_end_matches('.'))).collect();
    let output = keepline("config show", &variables).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // As it comes, it is reached by nobody in plaintext: it does not start.
    let open: Vec<_> = variables.iter().copied().filter(|(name, _)| !name.contains("PLAINTEXT")).collect();
    let output = keepline("serve --memory", &open).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("plaintext beyond loopback"), "{said}");
}
