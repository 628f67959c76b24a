//! Limits: named sets of what the server allows its clients, as the flag `--limits` has them.

use clap::ValueEnum;
use keepline_server::Config;
use keepline_server::accounts::Hashing;

/// A named set of limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Limits {
    /// For serving.
    #[default]
    Default,
    /// For benchmarks: clients send as fast as they can, and passwords are hashed at the least cost, which protects
    /// nobody.
    Bench,
}

impl Limits {
    /// How it is written on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Bench => "bench",
        }
    }

    /// Opens what this set opens.
    pub(crate) fn open(self, config: &mut Config) {
        if self == Self::Bench {
            (config.pace, config.everyone) = (None, None);
            config.hashing = Hashing::cheapest();
        }
    }
}
