//! Metrics: the one table of what the server counts, and the only place that knows the metrics library.
//!
//! No label holds a user, a message or an address: what a label may say is known before the server starts.

use std::fmt;
use std::time::Duration;

use keepline::{Beat, LineId, Observer, Reason, Report};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::message::Kind;
use crate::store::CommitWatch;

mod metered;

pub use metered::Metered;

/// The media type of [`Metrics::render`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One row of the table, as it is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a row of the table")]
pub struct Row {
    /// The name without its suffix: a counter is written as `<name>_total`, a time as `<name>_seconds`, a size as
    /// `<name>_bytes`.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
}

macro_rules! table {
    ($($name:ident: $metric:ty = $make:expr, $unit:expr, $help:literal;)+) => {
        /// Every metric of one server. Cheap to count in: an atomic, and for labels a look-up.
        pub struct Metrics {
            registry: Registry,
            $($name: $metric,)+
        }

        impl Metrics {
            /// The rows, in the order in which they are rendered.
            pub const ROWS: &[Row] = &[$(Row { name: concat!("keepline_", stringify!($name)), help: $help },)+];

            /// All at zero.
            #[must_use]
            pub fn new() -> Self {
                let mut registry = Registry::with_prefix("keepline");
                $(
                    let $name: $metric = $make;
                    let unit: Option<Unit> = $unit;
                    match unit {
                        Some(unit) => registry.register_with_unit(stringify!($name), $help, unit, $name.clone()),
                        None => registry.register(stringify!($name), $help, $name.clone()),
                    }
                )+
                Self { registry, $($name,)+ }
            }
        }
    };
}

const SECONDS: Option<Unit> = Some(Unit::Seconds);
const BYTES: Option<Unit> = Some(Unit::Bytes);

table! {
    connections: Gauge = Gauge::default(), None, "Long connections that are open";
    connections_opened: Counter = Counter::default(), None, "Long connections that were opened";
    connections_closed: Family<End, Counter> = Family::default(), None, "Long connections that ended, by reason and side";
    connections_refused: Family<Refusal, Counter> = Family::default(), None, "Connections turned away before they were open";
    accept_errors: Counter = Counter::default(), None, "Failures of the listener to accept";
    heartbeat_rtt: Histogram = waits(), SECONDS, "Round trip of a ping";
    heartbeat_asked: Counter = Counter::default(), None, "Pings of the server to a line that was quiet for half of its silence";
    sessions: Family<Spoken, Gauge> = Family::default(), None, "Sessions that are logged in, by dialect";
    logins: Family<Login, Counter> = Family::default(), None,
        "Logins over long connections, by dialect and outcome: accepted, or the reason of the close";
    messages_stored: Family<OfKind, Counter> = Family::default(), None, "Messages that were stored, by kind";
    messages_duplicate: Counter = Counter::default(), None, "Messages that were sent again and stored once";
    messages_refused: Family<Refusal, Counter> = Family::default(), None, "Messages that were not stored, by the code of the refusal";
    messages_pushed: Counter = Counter::default(), None, "Messages written to a session as they were stored";
    messages_caught_up: Counter = Counter::default(), None, "Messages written to a session from the log, as it had been away or behind";
    messages_gone: Counter = Counter::default(), None, "Messages that a session was told are gone";
    deliveries_panicked: Counter = Counter::default(), None, "Deliveries that panicked; each ended the line that it was for";
    messages_put_aside: Counter = Counter::default(), None,
        "Messages that one device is told are gone, as their delivery to it has panicked three times";
    delivery: Histogram = waits(), SECONDS,
        "From taking a message to its first push to a session; the clock counts whole milliseconds";
    memory_used: Gauge = Gauge::default(), BYTES, "Memory in use that can't be had back, as its limit counts it";
    memory_limit: Gauge = Gauge::default(), BYTES, "The limit of memory that is the nearest to be met, or 0";
    overload: Gauge = Gauge::default(), None,
        "How short memory is: 0 enough, 1 no new lines, 2 the slowest are dropped too, 3 messages are refused too";
    overload_dropped: Counter = Counter::default(), None, "Sessions that were dropped as the slowest while memory was short";
    store_up: Gauge = Gauge::default(), None, "1 while the store takes writes, else 0";
    store_append: Histogram = waits(), SECONDS, "From asking the store for an append to its answer, sync and waiting included";
    store_commit: Histogram = waits(), SECONDS, "Of a transaction of the store, from its commit to the end of its sync";
    store_refused: Family<Refusal, Counter> = Family::default(), None, "Appends without a record to show for it, by why";
    http_connections: Family<Face, Gauge> = Family::default(), None, "HTTP connections that are open, by listener";
    http_refused: Family<TurnedAway, Counter> = Family::default(), None, "HTTP connections turned away as they came, by listener and reason";
    http_in_flight: Family<Face, Gauge> = Family::default(), None,
        "HTTP requests that are being answered, by listener; one that was given up counts until its handler has ended";
    http_requests: Family<Answered, Counter> = Family::default(), None, "HTTP requests answered, by listener and status";
    http_request: Family<Face, Histogram, fn() -> Histogram> = Family::new_with_constructor(waits), SECONDS,
        "From an HTTP request's head to its answer's head, by listener";
    tasks: Gauge = Gauge::default(), None, "Tasks of the runtime that are alive";
    bans: Family<Limited, Counter> = Family::default(), None,
        "Bans that began: of a user from one address, or of an address with all who are there";
    guard_refused: Family<Limited, Counter> = Family::default(), None,
        "Passwords and tokens that were not looked at, and logins that came too often, by whose limit it was: user, address or device";
    audit_lost: Counter = Counter::default(), None, "Lines that are missing in the audit log: refusals beyond a few a second, a full queue or disk";
    build_info: Family<Build, Gauge> = Family::default(), None, "1, labelled with the version that runs";
}

/// 0.1 ms to 13 s.
fn waits() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.0, 18))
}

macro_rules! labels {
    ($($name:ident { $($label:ident),+ })+) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        struct $name { $($label: &'static str,)+ }
    )+};
}

labels! {
    End { reason, side }
    Refusal { reason }
    Spoken { dialect }
    Login { dialect, outcome }
    OfKind { kind }
    Face { listener }
    Answered { listener, status }
    TurnedAway { listener, reason }
    Limited { of }
    Build { version }
}

/// Counting. Everything else the server has to say goes to its log.
impl Metrics {
    /// Sessions of a dialect now.
    pub(crate) fn set_sessions(&self, dialect: &'static str, count: usize) {
        self.sessions.get_or_create(&Spoken { dialect }).set(number(count));
    }

    /// Somebody logged in, or was refused for this reason.
    pub(crate) fn login(&self, dialect: &'static str, refused: Option<Reason>) {
        let outcome = refused.map_or("accepted", Reason::name);
        self.logins.get_or_create(&Login { dialect, outcome }).inc();
    }

    /// A message was pushed for the first time, so long after it was taken.
    pub(crate) fn delivered(&self, took: Duration) {
        self.delivery.observe(took.as_secs_f64());
    }

    /// A message was stored.
    pub(crate) fn message_stored(&self, kind: Kind) {
        self.messages_stored.get_or_create(&OfKind { kind: kind_name(kind) }).inc();
    }

    /// A message came a second time.
    pub(crate) fn message_duplicate(&self) {
        self.messages_duplicate.inc();
    }

    /// A message was refused; `code` is that of the refusal.
    pub(crate) fn message_refused(&self, code: &'static str) {
        self.messages_refused.get_or_create(&Refusal { reason: code }).inc();
    }

    /// Messages were written to a session as they were stored.
    pub(crate) fn messages_pushed(&self, count: usize) {
        self.messages_pushed.inc_by(count as u64);
    }

    /// A message was written to a session from the log.
    pub(crate) fn message_caught_up(&self) {
        self.messages_caught_up.inc();
    }

    /// A session was told that so many messages are gone.
    pub(crate) fn gone(&self, messages: u64) {
        self.messages_gone.inc_by(messages);
    }

    /// So many bytes of the limit are in use, which is this level, by its number.
    pub(crate) fn memory(&self, used: u64, limit: u64, level: u8) {
        self.memory_used.set(i64::try_from(used).unwrap_or(i64::MAX));
        self.memory_limit.set(i64::try_from(limit).unwrap_or(i64::MAX));
        self.overload.set(level.into());
    }

    /// So many sessions were dropped as memory was short.
    pub(crate) fn shed(&self, sessions: usize) {
        self.overload_dropped.inc_by(sessions as u64);
    }

    /// A delivery panicked.
    pub(crate) fn delivery_panicked(&self) {
        self.deliveries_panicked.inc();
    }

    /// A message is put aside for one device.
    pub(crate) fn message_put_aside(&self) {
        self.messages_put_aside.inc();
    }

    /// Whether the store takes writes now.
    pub(crate) fn set_store_up(&self, up: bool) {
        self.store_up.set(up.into());
    }

    /// The store answered an append; `refused` says why there is no record to show for it.
    fn appended(&self, took: Duration, refused: Option<&'static str>) {
        self.store_append.observe(took.as_secs_f64());
        if let Some(reason) = refused {
            self.store_refused.get_or_create(&Refusal { reason }).inc();
        }
    }

    /// Lines of the audit log were not written.
    pub(crate) fn audit_lost(&self, lines: u64) {
        self.audit_lost.inc_by(lines);
    }

    /// An HTTP connection of a listener was opened.
    pub(crate) fn http_opened(&self, listener: &'static str) {
        self.http_connections.get_or_create(&Face { listener }).inc();
    }

    /// An HTTP connection of a listener has ended.
    pub(crate) fn http_closed(&self, listener: &'static str) {
        self.http_connections.get_or_create(&Face { listener }).dec();
    }

    /// An HTTP connection was turned away.
    pub(crate) fn http_refused(&self, listener: &'static str, reason: &'static str) {
        self.http_refused.get_or_create(&TurnedAway { listener, reason }).inc();
    }

    /// An HTTP request is being answered, until this is dropped.
    pub(crate) fn http_in_flight(&self, listener: &'static str) -> InFlight {
        let gauge = self.http_in_flight.get_or_create(&Face { listener }).clone();
        gauge.inc();
        InFlight(gauge)
    }

    /// A ban began; `of` says whose.
    pub(crate) fn banned(&self, of: &'static str) {
        self.bans.get_or_create(&Limited { of }).inc();
    }

    /// The guard let somebody not through; `of` says whose limit it was.
    pub(crate) fn guard_refused(&self, of: &'static str) {
        self.guard_refused.get_or_create(&Limited { of }).inc();
    }

    /// An HTTP request was answered.
    pub(crate) fn http_answered(&self, listener: &'static str, status: u16, took: Duration) {
        // By class: a status may be any number, a label value may not.
        let status = ["1xx", "2xx", "3xx", "4xx", "5xx"].get(usize::from(status / 100).wrapping_sub(1));
        self.http_requests.get_or_create(&Answered { listener, status: status.unwrap_or(&"other") }).inc();
        self.http_request.get_or_create(&Face { listener }).observe(took.as_secs_f64());
    }

    /// Everything in the OpenMetrics text format, which Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        self.build_info.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        // Without a runtime there are none.
        let tasks = tokio::runtime::Handle::try_current().map_or(0, |runtime| runtime.metrics().num_alive_tasks());
        self.tasks.set(number(tasks));
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// What the store tells of its transactions.
impl CommitWatch for Metrics {
    fn on_commit(&self, took: Duration) {
        self.store_commit.observe(took.as_secs_f64());
    }
}

/// What the library tells of the lines.
impl Observer for Metrics {
    fn on_open(&self, _: LineId, _: Option<std::net::SocketAddr>) {
        self.connections.inc();
        self.connections_opened.inc();
    }

    fn on_close(&self, report: &Report) {
        self.connections.dec();
        let (reason, side) = (report.reason.name(), report.reason.side().name());
        self.connections_closed.get_or_create(&End { reason, side }).inc();
    }

    fn on_beat(&self, _: LineId, beat: Beat) {
        match beat {
            Beat::PongReceived(Some(rtt)) => self.heartbeat_rtt.observe(seconds(rtt)),
            Beat::PingSent => drop(self.heartbeat_asked.inc()),
            _ => {}
        }
    }

    fn on_refused(&self, _: Option<std::net::SocketAddr>, reason: Reason) {
        self.connections_refused.get_or_create(&Refusal { reason: reason.name() }).inc();
    }

    fn on_accept_error(&self, _: &std::io::Error) {
        self.accept_errors.inc();
    }
}

/// One request that is being answered.
#[must_use = "dropped, the request counts as answered"]
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("connections", &self.connections.get()).finish_non_exhaustive()
    }
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Image => "image",
        Kind::File => "file",
        Kind::Custom => "custom",
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn seconds(duration: keepline::Duration) -> f64 {
    duration.to_std().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered_under_its_name() {
        let metrics = Metrics::new();
        metrics.message_stored(Kind::Text);
        metrics.login("v1", None);
        metrics.login("cim", Some(Reason::AuthFailed));
        metrics.delivered(Duration::from_millis(3));
        metrics.message_refused("storage_full");
        metrics.messages_pushed(1);
        metrics.gone(7);
        metrics.memory(7, 8, 2);
        metrics.shed(3);
        metrics.appended(Duration::from_millis(2), Some("unavailable"));
        metrics.http_answered("public", 404, Duration::from_millis(1));
        metrics.http_refused("public", "rate_limited");
        let _answering = metrics.http_in_flight("public");
        drop(metrics.http_in_flight("public"));
        metrics.banned("address");
        metrics.guard_refused("device");
        metrics.on_refused(None, Reason::ServerFull);
        let text = metrics.render();
        for line in [
            "keepline_logins_total{dialect=\"v1\",outcome=\"accepted\"} 1",
            "keepline_logins_total{dialect=\"cim\",outcome=\"auth_failed\"} 1",
            "keepline_delivery_seconds_sum 0.003",
            "keepline_messages_stored_total{kind=\"text\"} 1",
            "keepline_messages_refused_total{reason=\"storage_full\"} 1",
            "keepline_messages_pushed_total 1",
            "keepline_messages_gone_total 7",
            "keepline_memory_used_bytes 7",
            "keepline_memory_limit_bytes 8",
            "keepline_overload 2",
            "keepline_overload_dropped_total 3",
            "keepline_store_append_seconds_sum 0.002",
            "keepline_store_refused_total{reason=\"unavailable\"} 1",
            "keepline_http_requests_total{listener=\"public\",status=\"4xx\"} 1",
            "keepline_connections_refused_total{reason=\"server_full\"} 1",
            "keepline_http_refused_total{listener=\"public\",reason=\"rate_limited\"} 1",
            "keepline_http_in_flight{listener=\"public\"} 1",
            "keepline_bans_total{of=\"address\"} 1",
            "keepline_guard_refused_total{of=\"device\"} 1",
            concat!("keepline_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|rendered| rendered == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn every_row_has_a_help_text_of_one_sentence() {
        for row in Metrics::ROWS {
            assert!(!row.help.is_empty() && !row.help.ends_with('.'), "{}: the library adds the full stop", row.name);
            assert!(
                !["_total", "_seconds", "_bytes"].iter().any(|suffix| row.name.ends_with(suffix)),
                "{}: the library adds it",
                row.name
            );
        }
    }
}
