//! Announce: what a server says on stdout once it listens.

use std::net::SocketAddr;

use keepline_server::Node;

use crate::config::Settings;
use crate::limits::Limits;

/// Says where it listens: the first line of the output.
pub(super) fn announce(node: &Node, settings: &Settings, json: bool) {
    let (addresses, room) = (node.addresses(), node.room());
    let text = |address: Option<SocketAddr>| address.map(|address| address.to_string());
    if json {
        let line = serde_json::json!({
            "http": addresses.http.to_string(),
            "tcp": addresses.tcp.to_string(),
            "admin": text(addresses.admin),
            "cim_http": text(addresses.cim_http),
            "limits": settings.limits.set.name(),
            "descriptors": room.descriptors,
            "connections": room.lines,
            "http_connections": { "http": room.http, "cim_http": room.cim_http, "admin": room.admin },
        });
        return println!("{line}");
    }
    print!("listening on http {}, tcp {}", addresses.http, addresses.tcp);
    for (name, address) in [("admin", addresses.admin), ("cim's /sendMsg", addresses.cim_http)] {
        if let Some(address) = address {
            print!(", {name} {address}");
        }
    }
    println!();
    println!(
        "room for {} long connections and {} of HTTP: {} files may be open",
        room.lines,
        room.http + room.cim_http + room.admin,
        room.descriptors
    );
    if settings.limits.set != Limits::Default {
        println!("limits: {}", settings.limits.set.name());
    }
    if settings.store.memory {
        println!("everything is kept in memory: it is gone with this process");
    } else {
        println!("data in {}", settings.store.data.display());
    }
}
