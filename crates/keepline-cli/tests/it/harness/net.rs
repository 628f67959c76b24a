//! Net: two hosts of a test's own, as network namespaces with a cable between them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::process::{Command, id};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use rustix::process::geteuid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The cable's plug, in either namespace.
const PLUG: &str = "cable";

/// Two namespaces with a pair of virtual interfaces between them; gone, with all in them, when this is dropped.
pub(crate) struct Net {
    pub(crate) near: Namespace,
    pub(crate) far: Namespace,
}

/// A network namespace with one address at the cable, and loopback.
pub(crate) struct Namespace {
    name: String,
    pub(crate) address: Ipv4Addr,
    /// Where a server listens that both namespaces reach.
    pub(crate) listen: &'static str,
}

impl Net {
    /// Makes the two; says what is missing, in a line that scripts/test counts, where that can't be.
    pub(crate) fn open() -> Option<Self> {
        if let Some(missing) = missing() {
            println!("SKIPPED: {missing}");
            return None;
        }
        static NETS: AtomicU32 = AtomicU32::new(0);
        let number = NETS.fetch_add(1, Relaxed);
        let near = Namespace::new(format!("keepline-{}-{number}-near", id()), Ipv4Addr::new(10, 99, 1, 1));
        let far = Namespace::new(format!("keepline-{}-{number}-far", id()), Ipv4Addr::new(10, 99, 1, 2));
        near.ip(&format!("link add {PLUG} type veth peer name {PLUG} netns {}", far.name));
        for end in [&near, &far] {
            end.ip(&format!("addr add {}/24 dev {PLUG}", end.address));
            end.ip("link set lo up");
            end.ip(&format!("link set {PLUG} up"));
        }
        Some(Self { near, far })
    }
}

impl Namespace {
    fn new(name: String, address: Ipv4Addr) -> Self {
        // Left by a killed test whose process id has come round again.
        let _ = Command::new("ip").args(["netns", "del", &name]).output();
        run("ip", &["netns", "add", &name]);
        Self { name, address, listen: "0.0.0.0" }
    }

    /// Drops what comes in by the cable.
    pub(crate) fn deafen(&self) {
        self.iptables(&format!("-A INPUT -i {PLUG} -j DROP"));
    }

    /// Drops what goes out by the cable.
    pub(crate) fn gag(&self) {
        self.iptables(&format!("-A OUTPUT -o {PLUG} -j DROP"));
    }

    /// Drops the packets that go out by the cable to say that a connection has ended.
    pub(crate) fn hide_ends(&self) {
        for flag in ["FIN", "RST"] {
            self.iptables(&format!("-A OUTPUT -o {PLUG} -p tcp --tcp-flags {flag} {flag} -j DROP"));
        }
    }

    /// Loses this share of what comes in by the cable.
    pub(crate) fn lose(&self, probability: f64) {
        self.iptables(&format!("-A INPUT -i {PLUG} -m statistic --mode random --probability {probability} -j DROP"));
    }

    /// Lets through so many bits a second of what goes out by the cable; what would wait longer than 2 s is dropped.
    pub(crate) fn narrow(&self, bits: u32) {
        let args = format!("-n {} qdisc add dev {PLUG} root tbf rate {bits}bit burst 4kb latency 2s", self.name);
        run("tc", &args.split(' ').collect::<Vec<_>>());
    }

    /// Hands what goes out by the cable to a queue, from which a program of the test lets it go.
    pub(super) fn queue(&self, number: u16) {
        self.iptables(&format!("-A OUTPUT -o {PLUG} -j NFQUEUE --queue-num {number}"));
    }

    /// Packets that the rules have dropped on their way in.
    pub(crate) fn lost(&self) -> u64 {
        let args = ["netns", "exec", &self.name, "iptables", "-w", "10", "-L", "INPUT", "-v", "-n", "-x"];
        let list = run("ip", &args);
        // The first number of a rule's row counts packets; the two lines above the rows begin with words.
        list.lines().filter_map(|row| row.split_ascii_whitespace().next()?.parse::<u64>().ok()).sum()
    }

    /// Takes all rules back.
    pub(crate) fn heal(&self) {
        self.iptables("-F");
    }

    pub(crate) fn unplug(&self) {
        self.ip(&format!("link set {PLUG} down"));
    }

    pub(crate) fn plug_in(&self) {
        self.ip(&format!("link set {PLUG} up"));
    }

    /// Takes another address at the cable, and gives up the one it has.
    pub(crate) fn move_to(&mut self, address: Ipv4Addr) {
        // In this order: with the first address of a net the kernel takes away its others.
        self.ip(&format!("addr del {}/24 dev {PLUG}", self.address));
        self.ip(&format!("addr add {address}/24 dev {PLUG}"));
        self.address = address;
    }

    /// Sockets at this port of the cable's address that hold bytes which their peers have not acknowledged.
    pub(crate) fn unacknowledged(&self, port: u16) -> usize {
        let table = self.enter(|| fs::read_to_string("/proc/thread-self/net/tcp")).expect("the kernel has the table");
        let local = format!("{:08X}:{port:04X}", u32::from_ne_bytes(self.address.octets()));
        // Number, local address, remote address, state, tx_queue:rx_queue.
        let holds = |row: &&str| {
            let mut fields = row.split_ascii_whitespace().skip(1);
            let ours = fields.next().is_some_and(|own| own == local);
            let queue = fields.nth(2).and_then(|queues| queues.split_once(':'));
            ours && queue.is_some_and(|(sending, _)| sending.bytes().any(|digit| digit != b'0'))
        };
        table.lines().skip(1).filter(holds).count()
    }

    /// Runs `work` on a thread of this namespace. Sockets made there stay in it, wherever they are used.
    pub(crate) fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let place = File::open(format!("/run/netns/{}", self.name)).expect("the namespace is there");
        let entered = move || {
            move_into_link_name_space(place.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may enter it");
            work()
        };
        thread::scope(|scope| scope.spawn(entered).join().expect("the work does not panic"))
    }

    fn ip(&self, args: &str) {
        let args: Vec<&str> = ["-n", &self.name].into_iter().chain(args.split(' ')).collect();
        run("ip", &args);
    }

    fn iptables(&self, args: &str) {
        // All namespaces share one lock file.
        let args: Vec<&str> =
            ["netns", "exec", &self.name, "iptables", "-w", "10"].into_iter().chain(args.split(' ')).collect();
        run("ip", &args);
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}

/// A command that runs in a namespace, or here. The process it starts is the program itself.
pub(crate) fn command(place: Option<&Namespace>, program: &OsStr) -> Command {
    let Some(place) = place else { return Command::new(program) };
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &place.name]).arg(program);
    command
}

fn missing() -> Option<String> {
    if !geteuid().is_root() {
        return Some("root, to make network namespaces".into());
    }
    for (program, arg) in [("ip", "-V"), ("iptables", "-V")] {
        if Command::new(program).arg(arg).output().is_err() {
            return Some(format!("{program} (Debian packages iproute2 and iptables)"));
        }
    }
    // Root of a container may have no right to do so.
    let name = format!("keepline-{}-try-{:?}", id(), thread::current().id());
    let tried = Command::new("ip").args(["netns", "add", &name]).output().expect("ip was there a moment ago");
    let _ = Command::new("ip").args(["netns", "del", &name]).output();
    let reason = String::from_utf8_lossy(&tried.stderr).trim().to_owned();
    (!tried.status.success()).then(|| format!("the right to make network namespaces: {reason}"))
}

/// Runs it to its end, and returns what it said.
fn run(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {stderr}", args.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
