//! Java: the peers on Netty, built, and the article's pair of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use super::PATIENCE;
use super::net::{Namespace, command};
use super::process::Process;

/// What the peers are built with, and the Debian package that has it.
const NEEDS: [(&str, &str); 6] = [
    ("/usr/share/java/netty-codec.jar", "libnetty-java"),
    ("/usr/share/java/protobuf.jar", "libprotobuf-java"),
    ("/usr/share/java/okhttp.jar", "libokhttp-java"),
    ("/usr/share/java/jackson-databind.jar", "libjackson2-databind-java"),
    ("/usr/bin/protoc", "protobuf-compiler"),
    ("/usr/bin/javac", "default-jdk-headless"),
];

/// The peers, built.
pub(crate) struct Java {
    run: PathBuf,
    classes: PathBuf,
}

impl Java {
    /// Builds them, which takes no time once it is done; says what is missing, in a line that scripts/test counts,
    /// where that can't be.
    pub(crate) fn open() -> Option<Self> {
        if let Some((missing, package)) = NEEDS.into_iter().find(|(path, _)| !Path::new(path).exists()) {
            println!("SKIPPED: {missing} (Debian package {package})");
            return None;
        }
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/peers/java");
        let classes = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../java");
        let built = Command::new(sources.join("build.sh")).arg(&classes).output().expect("build.sh is in the project");
        assert!(built.status.success(), "build.sh: {}", String::from_utf8_lossy(&built.stderr));
        Some(Self { run: sources.join("run.sh"), classes })
    }

    /// The server, listening at a free port of loopback.
    #[track_caller]
    pub(crate) fn server(&self, args: &str) -> JavaServer {
        let process = self.start("server --listen 127.0.0.1:0", args);
        let line = process.next_line(Instant::now() + PATIENCE).expect("the first line");
        let address = line.text.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        JavaServer { address: address.unwrap_or_else(|| panic!("no address in {:?}", line.text)), process }
    }

    /// The client, starting.
    #[track_caller]
    pub(crate) fn client(&self, address: SocketAddr, args: &str) -> JavaClient {
        JavaClient { process: self.start(&format!("client --connect {address}"), args) }
    }

    #[track_caller]
    fn start(&self, role: &str, args: &str) -> Process {
        self.spawn("EchoPeer", &format!("{role} {args}"))
    }

    /// Starts a peer by the name of its class.
    #[track_caller]
    pub(crate) fn spawn(&self, class: &str, args: &str) -> Process {
        self.spawn_in(None, class, args)
    }

    /// Starts a peer in a namespace, or here.
    #[track_caller]
    pub(crate) fn spawn_in(&self, place: Option<&Namespace>, class: &str, args: &str) -> Process {
        let mut command = command(place, self.run.as_ref());
        command.arg(&self.classes).arg(class).args(args.split_ascii_whitespace());
        Process::spawn(&format!("{class} {args}"), command)
    }
}

/// `EchoPeer server`.
pub(crate) struct JavaServer {
    process: Process,
    pub(crate) address: SocketAddr,
}

impl JavaServer {
    /// Ends it, and returns its counters.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Value {
        self.process.close_input();
        counters(&self.process)
    }
}

/// `EchoPeer client`.
pub(crate) struct JavaClient {
    pub(crate) process: Process,
}

impl JavaClient {
    /// Waits for its end, and returns its counters.
    #[track_caller]
    pub(crate) fn finish(self) -> Value {
        counters(&self.process)
    }
}

/// The last line.
#[track_caller]
fn counters(process: &Process) -> Value {
    let by = Instant::now() + PATIENCE;
    let mut last = String::new();
    while let Some(line) = process.next_line(by) {
        last = line.text;
    }
    serde_json::from_str(&last).unwrap_or_else(|error| panic!("{error}: {last:?}; {}", process.complaint()))
}
