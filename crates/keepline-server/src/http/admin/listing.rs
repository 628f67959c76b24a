//! Listing: which of the live sessions are told of, and in which order.

use std::cmp::Ordering;

use keepline::Duration;
use serde::Deserialize;

use super::sockets::{ByPeer, Traffic};
use crate::session::{SessionInfo, Speaks};

/// The most sessions of one answer.
pub(super) const MOST: usize = 10_000;

/// What of them is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Of this user only.
    user: Option<String>,
    /// Of those in whose number, user, device, dialect or peer this text is.
    like: Option<String>,
    #[serde(default)]
    sort: Column,
    /// Default: from the largest down of numbers, from A up of names.
    order: Option<Order>,
    /// So many of the first are left out.
    #[serde(default)]
    offset: usize,
    /// Default and most: [`MOST`].
    limit: Option<usize>,
}

/// What they are sorted by. Of two that are equal the earlier login is first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Column {
    Session,
    User,
    Device,
    Dialect,
    Peer,
    Since,
    #[default]
    Silent,
    Rtt,
    /// The bytes that wait.
    Queue,
    BytesIn,
    BytesOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Asc,
    Desc,
}

/// A live session, with what the kernel counts of its connection where that is known.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) info: SessionInfo,
    pub(super) traffic: Option<Traffic>,
}

impl Wanted {
    /// Those that are wanted, and how many fit in all.
    pub(super) fn of(&self, all: Vec<SessionInfo>, traffic: &ByPeer) -> (Vec<Seen>, usize) {
        let like = self.like.as_ref().map(|like| like.to_lowercase());
        let fits = |info: &SessionInfo| {
            self.user.as_ref().is_none_or(|user| info.user.as_str() == user)
                && like.as_ref().is_none_or(|like| is_like(info, like))
        };
        let mut fitting: Vec<Seen> =
            all.into_iter().filter(fits).map(|info| Seen { traffic: traffic_of(&info, traffic), info }).collect();
        let total = fitting.len();
        let order = self.order.unwrap_or_else(|| self.sort.natural());
        fitting.sort_unstable_by(|a, b| {
            let by = self.sort.compare(a, b);
            let by = if order == Order::Asc { by } else { by.reverse() };
            by.then(a.info.id.cmp(&b.info.id))
        });
        let limit = self.limit.map_or(MOST, |limit| limit.min(MOST));
        (fitting.into_iter().skip(self.offset).take(limit).collect(), total)
    }
}

impl Column {
    const fn natural(self) -> Order {
        match self {
            Self::Session | Self::User | Self::Device | Self::Dialect | Self::Peer => Order::Asc,
            Self::Since | Self::Silent | Self::Rtt | Self::Queue | Self::BytesIn | Self::BytesOut => Order::Desc,
        }
    }

    fn compare(self, a: &Seen, b: &Seen) -> Ordering {
        let by_traffic = |key: fn(&Traffic) -> u64| a.traffic.as_ref().map(key).cmp(&b.traffic.as_ref().map(key));
        let (one, other) = (&a.info, &b.info);
        match self {
            Self::Session => one.id.cmp(&other.id),
            Self::User => one.user.cmp(&other.user),
            Self::Device => one.device.cmp(&other.device),
            Self::Dialect => dialect(one.speaks).cmp(dialect(other.speaks)),
            Self::Peer => one.peer.cmp(&other.peer),
            Self::Since => one.since_ms.cmp(&other.since_ms),
            Self::Silent => one.silent_for.cmp(&other.silent_for),
            Self::Rtt => by_traffic(|traffic| u64::try_from(traffic.rtt.as_micros()).unwrap_or(u64::MAX)),
            Self::Queue => queued(one).cmp(&queued(other)),
            Self::BytesIn => by_traffic(|traffic| traffic.bytes_in),
            Self::BytesOut => by_traffic(|traffic| traffic.bytes_out),
        }
    }
}

/// The name of what is spoken on a line.
pub(super) const fn dialect(speaks: Speaks) -> &'static str {
    match speaks {
        Speaks::V1 => "v1",
        Speaks::Cim(_) => "cim",
    }
}

fn queued(info: &SessionInfo) -> (usize, Option<Duration>) {
    (info.queued.bytes, info.queued.oldest)
}

fn traffic_of(info: &SessionInfo, traffic: &ByPeer) -> Option<Traffic> {
    let mut peer = info.peer?;
    peer.set_ip(peer.ip().to_canonical());
    // The scope of a link-local address is in what accepted it, and not in what the kernel tells.
    let peer = std::net::SocketAddr::new(peer.ip(), peer.port());
    traffic.get(&peer).copied()
}

fn is_like(info: &SessionInfo, like: &str) -> bool {
    // No name has a letter beyond ASCII.
    let has = |text: &str| text.to_ascii_lowercase().contains(like);
    has(info.user.as_str())
        || has(info.device.as_str())
        || has(dialect(info.speaks))
        || info.peer.is_some_and(|peer| peer.to_string().contains(like))
        || info.id.to_string().contains(like)
}
