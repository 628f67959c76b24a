//! Server: `keepline serve` with cim's face on, which a test kills and starts again.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::id;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Instant;

use keepline_witness::request;
use serde_json::Value;

use crate::harness::{ADMIN_TOKEN, ADMIN_VARIABLE, Host, Namespace, PATIENCE, Process, command, ms};

/// `keepline serve`, listening.
pub(super) struct Server<'a> {
    process: Option<Process>,
    place: Option<&'a Namespace>,
    data: PathBuf,
    limits: &'static str,
    /// Of cim's route.
    pub(super) http: SocketAddr,
    pub(super) tcp: SocketAddr,
    /// Of `/sendMsg`.
    pub(super) cim_http: SocketAddr,
    admin: SocketAddr,
}

impl<'a> Server<'a> {
    /// With an empty store, at free ports of loopback, under these limits.
    #[track_caller]
    pub(super) fn start(limits: &'static str) -> Self {
        Self::start_at(own_loopback(), None, limits)
    }

    /// In a namespace, at its address.
    #[track_caller]
    pub(super) fn start_in(place: &'a Namespace) -> Self {
        Self::start_at(place.address, Some(place), "default")
    }

    #[track_caller]
    fn start_at(ip: Ipv4Addr, place: Option<&'a Namespace>, limits: &'static str) -> Self {
        let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cim-{}-{ip}", id()));
        // Of an earlier process with our number, which was killed.
        let _ = fs::remove_dir_all(&data);
        let free = SocketAddr::new(ip.into(), 0);
        // These two listen on loopback only.
        let own = if ip.is_loopback() { free } else { SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0) };
        let mut server = Self { process: None, place, data, limits, http: free, tcp: free, cim_http: own, admin: own };
        server.start_again();
        server
    }

    /// Ends it as `kill -9` does.
    #[track_caller]
    pub(super) fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }

    /// At the same ports and with the same store as before.
    #[track_caller]
    pub(super) fn start_again(&mut self) {
        let mut command = command(self.place, env!("CARGO_BIN_EXE_keepline").as_ref());
        command.args(["serve", "--json", "--cim", "on", "--limits", self.limits, "--data"]).arg(&self.data);
        if self.place.is_some() {
            command.args(["--cim-from", "10.99.0.0/16"]);
        }
        let ports =
            [("--http", self.http), ("--tcp", self.tcp), ("--admin", self.admin), ("--cim-http", self.cim_http)];
        for (flag, address) in ports {
            command.args([flag, &address.to_string()]);
        }
        if self.place.is_some() {
            // The cable is the test's own.
            command.arg("--allow-plaintext");
        }
        command.env(ADMIN_VARIABLE, ADMIN_TOKEN);
        let process = Process::spawn("keepline serve", command);
        let line = process.next_line(Instant::now() + PATIENCE);
        let line = line.unwrap_or_else(|| panic!("an early end; {}", process.complaint()));
        let bound: Value = serde_json::from_str(&line.text).unwrap_or_else(|error| panic!("{error}: {:?}", line.text));
        let address = |name: &str| {
            let address = bound[name].as_str().and_then(|text| text.parse().ok());
            address.unwrap_or_else(|| panic!("no address for {name} in {bound}"))
        };
        self.http = address("http");
        self.tcp = address("tcp");
        self.cim_http = address("cim_http");
        self.admin = address("admin");
        self.process = Some(process);
    }

    /// Waits until everything that was pushed to a session counts as arrived. For a server on loopback.
    #[track_caller]
    pub(super) fn wait_until_all_arrived(&self) {
        let (host, admin, by) = (Host::here(), self.admin, Instant::now() + PATIENCE);
        loop {
            let answer = host.run(async move { request(admin, "GET", "/sessions", Some(ADMIN_TOKEN), None).await });
            let answer = answer.expect("an answer of the admin listener").json();
            let sessions = answer["sessions"].as_array().unwrap_or_else(|| panic!("no sessions in {answer}"));
            if sessions.iter().all(|session| session["caught_up"] == true) {
                return;
            }
            assert!(Instant::now() < by, "it does not count as arrived: {answer}");
            sleep(ms(2));
        }
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        self.process = None;
        let _ = fs::remove_dir_all(&self.data);
    }
}

/// An address that no other test uses: nothing takes the ports of a server while it is down.
fn own_loopback() -> Ipv4Addr {
    static LAST: AtomicU8 = AtomicU8::new(0);
    let last = LAST.fetch_add(1, Relaxed).checked_add(1).expect("fewer than 256 servers in one run");
    let [_, _, high, low] = id().to_be_bytes();
    Ipv4Addr::new(127, 64 | (high & 0x3f), low, last)
}
