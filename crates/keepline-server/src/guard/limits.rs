//! GuardLimits: what strangers may cost, as an operator sets it.

use std::time::Duration;

use keepline::serve::{Limits, Rate};

use super::strikes::StrikeLimit;

/// The least number of lines without a login that a server takes in all.
const LEAST_UNAUTHENTICATED: usize = 64;

/// What strangers may cost. An address is an IPv4 address or the first 64 bits of an IPv6 one; loopback is one like any
/// other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GuardLimits {
    /// Lines that are not logged in, of a hundred that the server takes, and at least 64; 100 for no limit of their
    /// own. More are closed as `server_full`.
    pub unauthenticated_percent: u8,
    /// The same of one address. More are closed as `rate_limited`, as those below.
    pub unauthenticated_per_address: Option<usize>,
    /// New lines of one address.
    pub new_per_address: Option<Rate>,
    /// Long connections accepted; more wait in the backlog.
    pub accepts: Option<Rate>,
    /// Passwords of one user that were wrong, from one address.
    pub failures_of_user: Option<StrikeLimit>,
    /// Passwords and tokens from one address that were wrong.
    pub failures_of_address: Option<StrikeLimit>,
    /// Logins of one device of a user over long connections.
    pub logins_of_device: Option<LoginLimit>,
    /// Live sessions of one user. A further device is refused as `too_many_devices`; one that is logged in takes its own
    /// place.
    pub devices_of_user: usize,
    /// Bytes that a client may send over its line: more is read later, and who goes on is closed as `rate_limited`.
    pub inbound: Option<ByteRate>,
    /// Whether anybody may make himself an account by `POST /v1/accounts`; else only the operator makes them, by the admin
    /// listener. The first JWT of a user and cim's networks have settings of their own.
    pub sign_ups: bool,
    /// Whether a user of cim's connects only after `/login`: within a minute, from the same address, and once.
    pub cim_tickets: bool,
}

/// How often a device may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two numbers")]
pub struct LoginLimit {
    /// So often; 0 counts as 1.
    pub logins: u32,
    /// Within this time.
    pub within: Duration,
}

/// How many bytes a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "three numbers")]
pub struct ByteRate {
    /// In the long run; 0 counts as 1.
    pub per_second: u32,
    /// At once, after a rest.
    pub burst: u32,
    /// How long a client may go on sending more without a rest before it is closed.
    pub over_for: Duration,
}

impl Default for GuardLimits {
    /// 10 % and 64 lines without a login, 20 new lines a second of an address and 50 at once, 1,000 a second in all; 5
    /// failures of a user and 30 of an address in a minute are followed by five minutes; 15 logins a minute of a device,
    /// 8 devices; 256 KiB a second and twice that at once, for 30 s; anybody may sign up; cim's users need their ticket.
    fn default() -> Self {
        let (minute, ban) = (Duration::from_secs(60), Duration::from_secs(300));
        Self {
            unauthenticated_percent: 10,
            unauthenticated_per_address: Some(64),
            new_per_address: Some(Rate { per_second: 20, burst: 50 }),
            accepts: Some(Rate { per_second: 1000, burst: 100 }),
            failures_of_user: Some(StrikeLimit { failures: 5, within: minute, ban }),
            failures_of_address: Some(StrikeLimit { failures: 30, within: minute, ban }),
            logins_of_device: Some(LoginLimit { logins: 15, within: minute }),
            devices_of_user: 8,
            inbound: Some(ByteRate { per_second: 256 << 10, burst: 512 << 10, over_for: Duration::from_secs(30) }),
            sign_ups: true,
            cim_tickets: true,
        }
    }
}

impl GuardLimits {
    /// None at all: for figures, and for tests that make a crowd of one address.
    #[must_use]
    pub const fn off() -> Self {
        Self {
            unauthenticated_percent: 100,
            unauthenticated_per_address: None,
            new_per_address: None,
            accepts: None,
            failures_of_user: None,
            failures_of_address: None,
            logins_of_device: None,
            devices_of_user: usize::MAX,
            inbound: None,
            sign_ups: true,
            cim_tickets: false,
        }
    }

    /// These, without those of an address: behind a proxy all clients have one.
    #[must_use]
    pub const fn of_no_address(self) -> Self {
        Self { unauthenticated_per_address: None, new_per_address: None, failures_of_address: None, ..self }
    }

    /// What the library holds of them, for so many lines.
    pub(crate) fn admission(&self, lines: usize) -> Limits {
        let mut limits = Limits::default();
        limits.connections = lines;
        let percent = usize::from(self.unauthenticated_percent);
        limits.unestablished =
            (percent < 100).then(|| (lines / 100 * percent + lines % 100 * percent / 100).max(LEAST_UNAUTHENTICATED));
        limits.unestablished_per_address = self.unauthenticated_per_address;
        limits.new_per_address = self.new_per_address;
        limits.accepts = self.accepts;
        limits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_lines_and_at_least_64_may_be_without_a_login() {
        for (lines, expected) in [(1, 64), (640, 64), (650, 65), (18_400, 1840), (usize::MAX, usize::MAX / 10)] {
            assert_eq!(GuardLimits::default().admission(lines).unestablished, Some(expected), "{lines}");
        }
        assert_eq!(GuardLimits::off().admission(1000).unestablished, None);
    }
}
