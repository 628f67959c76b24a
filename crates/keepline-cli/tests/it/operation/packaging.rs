//! What the packages say to the server is what it understands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// The daemon is not at hand where tests run: what can be read off the file is.
#[test]
fn the_container_is_built_of_what_is_there_and_runs_what_is_known() {
    let root = packaging("..");
    let dockerfile = fs::read_to_string(packaging("Dockerfile")).expect("the file").replace("\\\n", " ");
    let instructions: Vec<(&str, &str)> =
        dockerfile.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' ')).collect();
    let all = |name: &str| -> Vec<&str> {
        instructions.iter().filter(|(instruction, _)| *instruction == name).map(|(_, rest)| rest.trim()).collect()
    };
    let toolchain = fs::read_to_string(root.join("rust-toolchain.toml")).expect("the file");
    let rust = all("FROM")[0].strip_prefix("rust:").and_then(|image| image.split('-').next()).expect("a version");
    assert!(toolchain.contains(&format!("channel = \"{rust}.")), "FROM rust:{rust} and {toolchain}");
    let built = all("RUN").iter().any(|run| run.contains("cargo build --locked --release --package keepline-cli"));
    assert!(built && root.join("crates/keepline-cli/Cargo.toml").exists(), "{instructions:?}");
    let mut installed = Vec::new();
    for copy in all("COPY") {
        let words: Vec<&str> = copy.split_ascii_whitespace().collect();
        match words[..] {
            // The name of the binary is that of the package of the server.
            ["--from=build", "/src/target/release/keepline", to] => installed.push(to),
            [from, _] => assert!(root.join(from).exists(), "COPY {copy}"),
            _ => panic!("COPY {copy}"),
        }
    }
    let words = |text: &str| -> Vec<String> { serde_json::from_str(text).expect("the form of JSON") };
    assert_eq!(words(all("ENTRYPOINT")[0]), installed, "it starts what was installed");
    let output = keepline(&words(all("CMD")[0]).join(" "), &[]).arg("--help").output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let user = all("USER")[0];
    assert!(all("RUN").iter().any(|run| run.contains("useradd") && run.contains(user)), "nobody made {user}");
    let ports = all("EXPOSE")[0].split(' ').all(|port| dockerfile.contains(&format!("0.0.0.0:{port}")));
    assert!(ports, "what is exposed is not where it listens");
    let ignored = fs::read_to_string(root.join(".dockerignore")).expect("the file");
    assert!(ignored.lines().any(|line| line == "target"), "a build would be sent gigabytes");
}

#[test]
#[ignore = "long: builds the release, and a package of it"]
fn the_debian_package_is_built_installed_and_purged() {
    let root = packaging("..");
    let is_there = Command::new("cargo").args(["deb", "--version"]).output().is_ok_and(|ran| ran.status.success());
    if !is_there {
        println!("NOT RUN: the Debian package (cargo install cargo-deb --locked)");
        return;
    }
    let ran = Command::new(root.join("scripts/package")).output().expect("it runs");
    let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(ran.status.success() && said.contains("can be installed"), "{said}");
}
