//! Announce: what a server says on stdout once it listens.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;

use keepline_server::Node;

use crate::config::Settings;
use crate::limits::Limits;
use crate::output::escaped;

/// Says where it listens: the first line of the output.
pub(super) fn announce(node: &Node, settings: &Settings, json: bool) {
    let text = if json { object(node, settings) } else { sentences(node, settings) };
    let mut out = io::stdout().lock();
    // Who is to be served has no part in this output: a full disk behind it, or a reader that has gone, ends nothing.
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        tracing::warn!(%error, "where it listens could not be said on stdout");
    }
}

/// For programs: one line.
fn object(node: &Node, settings: &Settings) -> String {
    let (addresses, room) = (node.addresses(), node.room());
    let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
    let object = serde_json::json!({
        "http": addresses.http.to_string(),
        "tcp": addresses.tcp.to_string(),
        "admin": text(addresses.admin),
        "cim_http": text(addresses.cim_http),
        "limits": settings.limits.set.name(),
        "descriptors": room.descriptors,
        "connections": room.lines,
        "http_connections": { "http": room.http, "cim_http": room.cim_http, "admin": room.admin },
    });
    format!("{object}\n")
}

/// For people.
fn sentences(node: &Node, settings: &Settings) -> String {
    let (addresses, room) = (node.addresses(), node.room());
    let mut text = format!("listening on http {}, tcp {}", addresses.http, addresses.tcp);
    for (name, address) in [("admin", addresses.admin), ("cim's /sendMsg", addresses.cim_http)] {
        if let Some(address) = address {
            // Writing into a text does not fail.
            let _ = write!(text, ", {name} {address}");
        }
    }
    let http = room.http + room.cim_http + room.admin;
    let (lines, files) = (room.lines, room.descriptors);
    let _ = writeln!(text, "\nroom for {lines} long connections and {http} of HTTP: {files} files may be open");
    if settings.limits.set != Limits::Default {
        let _ = writeln!(text, "limits: {}", settings.limits.set.name());
    }
    let _ = if settings.store.memory {
        writeln!(text, "everything is kept in memory: it is gone with this process")
    } else {
        writeln!(text, "data in {}", escaped(&settings.store.data.display().to_string()))
    };
    text
}
