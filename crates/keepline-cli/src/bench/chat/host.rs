//! Servers to measure, each a process with its own folder: ours, mosquitto, nats-server.

use std::{
    env, fs,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    super::{Deadline, Error, Pin, process::Process, target},
    secure::Secure,
};
use crate::limits::Limits;

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Brand {
    /// This very program's, `keepline serve`.
    Keepline(Limits),
    /// mosquitto, a broker of MQTT.
    Mosquitto,
    /// nats-server, core NATS without storage.
    Nats,
}

/// A server that takes connections. It is killed (`SIGKILL`) when this is dropped.
#[derive(Debug)]
pub(super) struct Host {
    process: Process,
    /// Where clients connect.
    pub(super) addr: SocketAddr,
    /// Where our own server's API is.
    api: Option<SocketAddr>,
}

impl Brand {
    /// Its name in a report.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Keepline(Limits::Bench) => "keepline",
            Self::Keepline(Limits::Default | Limits::Proxied) => "keepline, default limits",
            Self::Mosquitto => "mosquitto",
            Self::Nats => "nats-server",
        }
    }
}

impl Host {
    /// Starts a server; ours keeps its data in `folder`, and finds there what one before it has left.
    ///
    /// # Errors
    /// [`Error::Failed`] when it is not installed, ends, or does not listen before the deadline.
    pub(super) fn start(
        brand: Brand,
        folder: &Path,
        pin: Pin,
        secure: Option<&Secure>,
        deadline: &Deadline,
    ) -> Result<Self, Error> {
        match brand {
            Brand::Keepline(limits) => Self::keepline(limits, folder, pin, secure, deadline),
            Brand::Mosquitto => {
                let addr = free_port()?;
                let settings = folder.join("mosquitto.conf");
                // It logs nothing, keeps nothing and counts nothing for itself: what is left is the fan-out.
                let text = format!(
                    "listener {} {}\nallow_anonymous true\npersistence false\nlog_dest none\nset_tcp_nodelay true\n\
                     sys_interval 0\n",
                    addr.port(),
                    addr.ip()
                );
                fs::write(&settings, text).map_err(|error| Error::io("mosquitto's settings", error))?;
                let program = installed("mosquitto")?;
                let command = [&*program.to_string_lossy(), "-c", &*settings.to_string_lossy()];
                Self::broker(brand, &command, addr, pin, deadline)
            }
            Brand::Nats => {
                let addr = free_port()?;
                let (ip, port, log) = (addr.ip().to_string(), addr.port().to_string(), folder.join("nats.log"));
                let program = installed("nats-server")?;
                let command = [&*program.to_string_lossy(), "-a", &ip, "-p", &port, "-l", &*log.to_string_lossy()];
                Self::broker(brand, &command, addr, pin, deadline)
            }
        }
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where the API is.
    ///
    /// # Errors
    /// [`Error::Failed`] for a server without.
    pub(super) fn api(&self) -> Result<SocketAddr, Error> {
        self.api.ok_or_else(|| Error::Failed("this server has no API for accounts".into()))
    }

    fn keepline(
        limits: Limits,
        folder: &Path,
        pin: Pin,
        secure: Option<&Secure>,
        deadline: &Deadline,
    ) -> Result<Self, Error> {
        let program = env::current_exe().map_err(|error| Error::io("the file of this program is unknown", error))?;
        let data = folder.join("data");
        let (program, data) = (program.to_string_lossy(), data.to_string_lossy());
        let any = "127.0.0.1:0";
        let tls = secure.map(Secure::flags);
        let mut command = vec![
            &*program,
            "serve",
            "--json",
            "--http",
            any,
            "--tcp",
            any,
            "--admin",
            any,
            "--cim",
            "off",
            "--data",
            &*data,
            "--limits",
            // Its clients all come from one address, which is no part of what is measured.
            match limits {
                Limits::Default => Limits::Proxied.name(),
                limits => limits.name(),
            },
        ];
        command.extend(tls.iter().flatten().map(String::as_str));
        let mut process =
            Process::start(&command, pin).map_err(|error| Error::io("keepline serve could not be run", error))?;
        let first = process.first_line(deadline.left());
        let addresses = first.as_deref().and_then(|line| serde_json::from_str::<Value>(line).ok());
        let address = |key: &str| {
            let text = addresses.as_ref().and_then(|addresses| addresses[key].as_str());
            text.ok_or_else(|| Error::Failed(format!("keepline serve did not say where it listens: {first:?}")))
        };
        let (addr, api) = (target::resolve(address("tcp")?, false)?, target::resolve(address("http")?, false)?);
        Ok(Self { process, addr, api: Some(api) })
    }

    /// A server that says nothing when it listens: it is asked until it does.
    fn broker(brand: Brand, command: &[&str], addr: SocketAddr, pin: Pin, deadline: &Deadline) -> Result<Self, Error> {
        const PAUSE: Duration = Duration::from_millis(10);
        let label = brand.label();
        let mut process =
            Process::start(command, pin).map_err(|error| Error::io(&format!("{label} could not be run"), error))?;
        while TcpStream::connect(addr).is_err() {
            if process.has_ended() {
                return Err(Error::Failed(format!("{label} ended instead of listening at {addr}")));
            }
            deadline.check(Instant::now(), &format!("{label} starts"))?;
            thread::sleep(PAUSE);
        }
        Ok(Self { process, addr, api: None })
    }
}

/// A port that was free a moment ago: these servers can't be asked for any.
fn free_port() -> Result<SocketAddr, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map_err(|error| Error::io("no free port", error))
}

/// Where a program is. Debian keeps servers in /usr/sbin, which is not on everybody's path.
fn installed(name: &str) -> Result<PathBuf, Error> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders = env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()));
    found.ok_or_else(|| Error::Usage(format!("{name} is not installed: on Debian, apt-get install {name}")))
}
