//! The floor server: raw epoll, a slab and a lazy wheel, to state our figures as ratios.
//!
//! It does the least that an echo server with a heartbeat can do on Linux: one `recv` and at most
//! one `send` per readable socket, no allocation per idle connection, no timer object. What
//! another server costs above this one is that server's own cost; what it costs below is the
//! kernel's.

mod clock;
mod conn;
mod frame;
mod listener;
mod options;
mod server;
mod slab;
mod wheel;

use std::io::{self, Write};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::options::Options;
use crate::server::Server;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("floor: {error}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    let Err(error) = serve(&options);
    eprintln!("floor: {error}");
    ExitCode::FAILURE
}

fn serve(options: &Options) -> io::Result<std::convert::Infallible> {
    raise_descriptor_limit();
    let mut server = Server::bind(options)?;
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {}", server.local_addr()?)?;
    stdout.flush()?;
    drop(stdout);
    server.run()
}

/// One descriptor a connection: the usual soft limit of 1024 would be the first thing measured.
fn raise_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        eprintln!("floor: the descriptor limit stays as it is: {error}");
    }
}
