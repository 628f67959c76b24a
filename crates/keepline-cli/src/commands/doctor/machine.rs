//! Machine: the limit of open files, the ports, the clock, the certificate, the keys of tokens.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keepline_server::Config;
use keepline_server::accounts::jwt::Issuer;
use keepline_server::store::redb::FILE;
use keepline_server::tls::{Standing, Tls};

use super::{Finding, fail, ok, warn};
use crate::config::Settings;

/// Fewer lines than this are a test and no service.
const FEW: usize = 1024;

/// No clock that is right says less: 1 January 2026.
const BUILT_AFTER: Duration = Duration::from_secs(1_767_225_600);

/// What a clock may be set back without anybody wondering.
const SET_BACK: Duration = Duration::from_secs(300);

pub(super) fn descriptors(config: &Config) -> Finding {
    match config.room() {
        Ok(room) if room.lines < FEW => warn(
            "open files",
            format!("room for {} long connections only: raise the limit (ulimit -n, LimitNOFILE=)", room.lines),
        ),
        Ok(room) => {
            ok("open files", format!("{} may be open: room for {} long connections", room.descriptors, room.lines))
        }
        Err(error) => fail("open files", error.to_string()),
    }
}

pub(super) fn ports(config: &Config) -> Vec<Finding> {
    let cim = config.cim_http.filter(|_| config.speaks_cim());
    let wanted =
        [("HTTP", Some(config.http)), ("the IM port", Some(config.tcp)), ("admin", config.admin), ("cim's push", cim)];
    // Held until all are tried, as two of them may want the same.
    let mut held = Vec::new();
    let mut port = |(what, address): (&str, Option<SocketAddr>)| {
        let address = address?;
        Some(match TcpListener::bind(address) {
            Ok(listener) => {
                held.push(listener);
                ok("ports", format!("{what} can listen at {address}"))
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                let by = if held.iter().any(|held| shares(held, address)) {
                    "by another listener of these settings: give each its own port"
                } else {
                    "is a server running already? else choose another port"
                };
                fail("ports", format!("{what}: {address} is taken: {by}"))
            }
            Err(error) => fail("ports", format!("{what} can't listen at {address}: {error}")),
        })
    };
    wanted.into_iter().filter_map(&mut port).collect()
}

/// Whether a listener is in the way of another: at the same port, and an address that is the same or all.
fn shares(listener: &TcpListener, address: SocketAddr) -> bool {
    let is_all = |at: SocketAddr| at.ip().is_unspecified();
    listener.local_addr().is_ok_and(|held| {
        held.port() == address.port() && (held.ip() == address.ip() || is_all(held) || is_all(address))
    })
}

/// Whose tokens are taken beside our own; nothing where nobody's are.
pub(super) fn keys(config: &Config) -> Option<Finding> {
    let settings = config.issuer.clone()?;
    let path = settings.keys.display().to_string();
    Some(match Issuer::load(settings) {
        Ok(issuer) => ok("token keys", format!("{path}: {}", issuer.kids().join(", "))),
        Err(error) => fail("token keys", error.to_string()),
    })
}

/// Messages are stamped with it. One that was set back breaks no order, but the times that people read.
pub(super) fn clock(settings: &Settings) -> Finding {
    let now = SystemTime::now();
    if now.duration_since(UNIX_EPOCH).unwrap_or_default() < BUILT_AFTER {
        return fail("clock", "it says a time before this program was written: set it, as by NTP");
    }
    let written = fs::metadata(settings.store.data.join(FILE)).and_then(|data| data.modified()).ok();
    if written.is_some_and(|written| written > now + SET_BACK) {
        return fail("clock", "the data was written later than it says now: it was set back");
    }
    ok("clock", "it is past what is stored")
}

pub(super) fn certificate(config: &Config) -> Finding {
    let Some(files) = config.tls.clone() else { return ok("certificate", "none: HTTP and lines are plaintext") };
    let cert = files.cert.display().to_string();
    let tls = match Tls::load(files) {
        Ok(tls) => tls,
        Err(error) => return fail("certificate", error.to_string()),
    };
    let Some(validity) = tls.validity() else {
        return warn("certificate", format!("{cert} fits its key; its dates can't be read"));
    };
    let [begins, ends] = [validity.not_before, validity.not_after].map(humantime::format_rfc3339_seconds);
    match validity.at(SystemTime::now()) {
        Standing::Good(_) => ok("certificate", format!("{cert} fits its key, and is valid until {ends}")),
        Standing::EndsSoon(left) => {
            let days = left.as_secs() / (24 * 3600);
            warn("certificate", format!("{cert} ends in {days} days, at {ends}: renew it"))
        }
        Standing::Expired(_) => {
            fail("certificate", format!("{cert} has expired at {ends}: no client takes it; renew it"))
        }
        Standing::NotYet(_) => fail(
            "certificate",
            format!("{cert} is not valid before {begins}: no client takes it; is the clock of this machine right?"),
        ),
    }
}
