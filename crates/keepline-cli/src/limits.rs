//! Limits: named sets of what the server allows its clients, as the flag `--limits` has them.

use clap::ValueEnum;
use keepline_server::Config;
use keepline_server::accounts::Hashing;
use keepline_server::guard::GuardLimits;

/// A named set of limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Limits {
    /// For serving.
    #[default]
    Default,
    /// For a server behind a proxy, as nothing is limited by address: all clients have the proxy's.
    Proxied,
    /// For benchmarks: a crowd may come from one address, send as fast as it can, and passwords are hashed at the least cost: it
    /// protects nobody.
    Bench,
}

impl Limits {
    /// How it is written on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Proxied => "proxied",
            Self::Bench => "bench",
        }
    }

    /// Opens what this set opens.
    pub(crate) fn open(self, config: &mut Config) {
        match self {
            Self::Default => {}
            Self::Proxied => config.guard = config.guard.of_no_address(),
            Self::Bench => {
                (config.pace, config.everyone) = (None, None);
                config.hashing = Hashing::cheapest();
                config.guard = GuardLimits::off();
            }
        }
    }
}
