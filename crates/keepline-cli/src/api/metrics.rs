//! Metrics: the counters of a server that a watcher needs, out of the text that Prometheus reads.

use std::collections::BTreeMap;

/// What a server counts since its start; what it does not tell is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// The version that runs.
    pub(crate) version: String,
    /// Whether the store takes writes; `None` where it is not told.
    pub(crate) store_up: Option<bool>,
    /// Open long connections, logged in or not.
    pub(crate) connections: u64,
    /// Sessions by dialect.
    pub(crate) sessions: BTreeMap<String, u64>,
    pub(crate) logins: u64,
    pub(crate) logins_refused: u64,
    pub(crate) messages_stored: u64,
    /// As they were stored, or later from the log.
    pub(crate) messages_delivered: u64,
    pub(crate) messages_refused: u64,
    /// Lines that had to be asked for a sign of life.
    pub(crate) heartbeats_missed: u64,
    /// Connections that were turned away before they were open.
    pub(crate) turned_away: u64,
    /// Long connections that ended, by reason and side.
    pub(crate) closed: BTreeMap<(String, String), u64>,
}

impl Counters {
    /// Out of the OpenMetrics text format; lines that it does not know are skipped.
    pub(super) fn parse(text: &str) -> Self {
        let mut counters = Self::default();
        for sample in text.lines().filter_map(Sample::parse) {
            counters.take(&sample);
        }
        counters
    }

    fn take(&mut self, sample: &Sample<'_>) {
        let value = sample.value;
        let label = |name: &str| sample.label(name).to_owned();
        match sample.name {
            "keepline_build_info" => self.version = label("version"),
            "keepline_store_up" => self.store_up = Some(value > 0),
            "keepline_connections" => self.connections = value,
            "keepline_sessions" => drop(self.sessions.insert(label("dialect"), value)),
            "keepline_logins_total" if sample.label("outcome") == "accepted" => self.logins += value,
            "keepline_logins_total" => self.logins_refused += value,
            "keepline_messages_stored_total" => self.messages_stored += value,
            "keepline_messages_pushed_total" | "keepline_messages_caught_up_total" => self.messages_delivered += value,
            "keepline_messages_refused_total" => self.messages_refused += value,
            "keepline_heartbeat_asked_total" => self.heartbeats_missed += value,
            "keepline_connections_refused_total" => self.turned_away += value,
            "keepline_connections_closed_total" => {
                *self.closed.entry((label("reason"), label("side"))).or_default() += value;
            }
            _ => {}
        }
    }
}

/// One line that is no comment: `name{label="value",...} number`.
struct Sample<'a> {
    name: &'a str,
    labels: &'a str,
    value: u64,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (series, value) = line.strip_prefix("keepline_").map(|_| line)?.rsplit_once(' ')?;
        let (name, labels) = match series.split_once('{') {
            Some((name, rest)) => (name, rest.strip_suffix('}')?),
            None => (series, ""),
        };
        Some(Self { name, labels, value: value.parse().ok()? })
    }

    /// Our own labels hold words: no comma and no quote is in them.
    fn label(&self, name: &str) -> &'a str {
        let mut labels = self.labels.split(',').filter_map(|label| label.split_once('='));
        labels.find(|(label, _)| *label == name).map_or("", |(_, value)| value.trim_matches('"'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_watcher_needs_is_read_and_the_rest_is_skipped() {
        let text = "# HELP keepline_connections Long connections that are open.\n\
                    keepline_connections 7\n\
                    keepline_sessions{dialect=\"v1\"} 5\n\
                    keepline_sessions{dialect=\"cim\"} 1\n\
                    keepline_logins_total{dialect=\"v1\",outcome=\"accepted\"} 9\n\
                    keepline_logins_total{dialect=\"cim\",outcome=\"accepted\"} 1\n\
                    keepline_logins_total{dialect=\"v1\",outcome=\"auth_failed\"} 2\n\
                    keepline_messages_pushed_total 3\n\
                    keepline_messages_caught_up_total 4\n\
                    keepline_connections_closed_total{reason=\"silent\",side=\"network\"} 6\n\
                    keepline_heartbeat_rtt_seconds_sum 0.5\n\
                    keepline_heartbeat_asked_total 8\n\
                    keepline_store_up 1\n\
                    keepline_build_info{version=\"0.1.0\"} 1\n\
                    keepline_connections nonsense\n\
                    keepline_sessions{dialect= 7\n\
                    other_total 1\n\
                    # EOF\n";
        let counters = Counters::parse(text);
        let expected = Counters {
            version: "0.1.0".to_owned(),
            store_up: Some(true),
            connections: 7,
            sessions: [("v1".to_owned(), 5), ("cim".to_owned(), 1)].into(),
            logins: 10,
            logins_refused: 2,
            messages_delivered: 7,
            heartbeats_missed: 8,
            closed: [(("silent".to_owned(), "network".to_owned()), 6)].into(),
            ..Counters::default()
        };
        assert_eq!(counters, expected);
    }
}
