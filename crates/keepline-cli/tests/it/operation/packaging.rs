//! What the packages say to the server is what it understands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use super::keepline;
use crate::harness::{Folder, PATIENCE, Process};

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
    // What a server ends with whose settings can't work.
    assert!(unit.iter().any(|line| line == "RestartPreventExitStatus=2"), "it would be started again without end");
}

/// With nothing but what each Debian has: /bin/kill is not among it.
#[test]
fn the_unit_s_reload_reaches_the_server() {
    let unit = lines("keepline.service");
    let script = unit.iter().find_map(|line| line.strip_prefix("ExecReload=/bin/sh -c '")?.strip_suffix('\''));
    let script = script.expect("a reload by the shell");
    let folder = Folder::new("unit-reload");
    let file = folder.path().join("keepline.toml");
    fs::write(&file, "").expect("a file");
    let free = "--cim off --http 127.0.0.1:0 --tcp 127.0.0.1:0 --admin off";
    let serve = keepline(&format!("serve --memory --config {} {free}", file.display()), &[]);
    let mut server = Process::spawn("keepline serve", serve);
    server.out("its start", |line| line.starts_with("listening on"));
    fs::write(&file, "[log]\nrate = 11\n").expect("a file");
    let pid = server.pid().as_raw_pid().to_string();
    let ran = Command::new("/bin/sh").args(["-c", script]).env_clear().env("MAINPID", pid).status().expect("it runs");
    assert!(ran.success(), "{script}");
    server.err("the reload", |line| line.contains("reloaded key=\"log.rate\""));
    server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).success());
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

/// What can be read off the file; `scripts/image` builds it.
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
    let check = all("HEALTHCHECK")[0].split_once("CMD ").expect("a command").1;
    let (program, check) =
        words(check).split_first().map(|(first, rest)| (first.clone(), rest.join(" "))).expect("one");
    assert_eq!(installed, [program.as_str()]);
    let output = keepline(&check, &[]).arg("--help").output().expect("it runs");
    assert!(output.status.success(), "{check}: {}", String::from_utf8_lossy(&output.stderr));
    // By number, so that who runs it can see that it is not root.
    let (user, group) = all("USER")[0].split_once(':').expect("a user and a group");
    let made = format!("useradd --uid {user} --gid {group} ");
    assert!(user.parse::<u32>().is_ok_and(|user| user > 0), "{user}");
    assert!(all("RUN").iter().any(|run| run.contains(&made)), "nobody made {user}");
    let ports = all("EXPOSE")[0].split(' ').all(|port| dockerfile.contains(&format!("0.0.0.0:{port}")));
    assert!(ports, "what is exposed is not where it listens");
    let ignored = fs::read_to_string(root.join(".dockerignore")).expect("the file");
    assert!(ignored.lines().any(|line| line == "target"), "a build would be sent gigabytes");
}

/// Runs a script of ours, which has to end well and say this.
fn script(name: &str, arguments: &[&str], said_at_the_end: &str) {
    let ran = Command::new(packaging("../scripts").join(name)).args(arguments).output().expect("it runs");
    let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(ran.status.success() && said.contains(said_at_the_end), "{said}");
}

#[test]
#[ignore = "long: builds the release, and a package of it"]
fn the_debian_package_is_built_installed_and_purged() {
    script("package", &[], "can be installed");
}

/// With the binary of the tests in place of the build of the release, which takes as long as all tests.
#[test]
#[ignore = "long: makes a Debian, and an image of it"]
fn the_container_is_built_and_does_what_it_should() {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: the container's image (wants root)");
        return;
    }
    script("image", &["--binary", env!("CARGO_BIN_EXE_keepline")], "the image works");
}
