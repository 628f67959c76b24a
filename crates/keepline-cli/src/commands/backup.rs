//! `keepline backup`: a copy of what a server keeps, while it runs or while it does not.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use keepline_server::http::admin::BACKUP_WITHIN;
use keepline_server::store::Store as _;
use keepline_server::store::redb::{FILE, OpenError, Options, Redb};
use serde_json::{Value, json};

/// What the server's answer may take beyond the time that it gives a backup: so that it is the server that says how it
/// went.
const MARGIN: Duration = Duration::from_secs(30);

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 64 << 10;

/// Flags of `keepline backup`.
#[derive(Debug, Args)]
#[command(after_help = "A server that runs makes the copy itself: give --admin. keepline restore puts it in place.")]
pub(crate) struct BackupArgs {
    /// The file to write, which must not exist yet; with --admin it is on the server's machine.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Where a server keeps everything that does not run.
    #[arg(long, default_value = "keepline-data", value_name = "DIR", conflicts_with = "admin")]
    data: PathBuf,
    /// The admin listener of a server that runs.
    #[arg(long, value_name = "IP:PORT")]
    admin: Option<SocketAddr>,
}

/// Makes the copy.
pub(crate) fn run(args: &BackupArgs) -> ExitCode {
    let copied = match args.admin {
        Some(admin) => ask(admin, &args.to),
        None => copy(&args.data, &args.to),
    };
    match copied {
        Ok(bytes) => {
            println!("{bytes} bytes of records copied to {}", args.to.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("keepline backup: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Copies a store that no process has open.
fn copy(data: &Path, to: &Path) -> io::Result<u64> {
    if !data.join(FILE).is_file() {
        return Err(io::Error::other(format!("{} has no {FILE}; name the data directory with --data", data.display())));
    }
    let store = Redb::open(data, Options::default()).map_err(|error| match error {
        OpenError::InUse { path } => io::Error::other(format!(
            "{} is in use; ask its server for the copy, as with --admin 127.0.0.1:8084",
            path.display()
        )),
        other => io::Error::other(other),
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let copied = store.backup(to).await;
        store.close().await;
        Ok(copied.map_err(io::Error::other)?.bytes)
    })
}

/// Has a server copy its store.
fn ask(admin: SocketAddr, to: &Path) -> io::Result<u64> {
    let to = std::path::absolute(to)?;
    let body = json!({ "to": to.to_str().ok_or_else(|| io::Error::other("the path is not UTF-8"))? }).to_string();
    let mut stream = TcpStream::connect(admin)
        .map_err(|error| io::Error::new(error.kind(), format!("no admin listener at {admin}: {error}")))?;
    // A backup of a large store takes long, and says nothing meanwhile.
    stream.set_read_timeout(Some(BACKUP_WITHIN + MARGIN))?;
    let length = body.len();
    write!(
        stream,
        "POST /backup HTTP/1.1\r\nHost: {admin}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    read_answer(&answer).map_err(io::Error::other)
}

/// The bytes that were copied, or what the server says against it.
fn read_answer(answer: &str) -> Result<u64, String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer is no HTTP")?;
    let body: Value = serde_json::from_str(body).map_err(|_| format!("the answer is no JSON: {head}"))?;
    if let Some(message) = body["error"]["message"].as_str() {
        return Err(message.to_owned());
    }
    body["bytes"].as_u64().ok_or_else(|| format!("the answer does not say what was copied: {body}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_the_bytes_or_the_reason() {
        for (answer, read) in [
            ("HTTP/1.1 200 OK\r\nx: y\r\n\r\n{\"to\":\"/x\",\"bytes\":12}", Ok(12)),
            (
                "HTTP/1.1 507 x\r\n\r\n{\"error\":{\"code\":\"c\",\"message\":\"the disk is full\"}}",
                Err("the disk is full"),
            ),
            ("HTTP/1.1 200 OK\r\n\r\n{}", Err("the answer does not say what was copied: {}")),
            ("HTTP/1.1 404 Not Found\r\n\r\n", Err("the answer is no JSON: HTTP/1.1 404 Not Found")),
            ("SSH-2.0-x\r\n", Err("the answer is no HTTP")),
        ] {
            assert_eq!(read_answer(answer), read.map_err(str::to_owned), "{answer:?}");
        }
    }
}
