//! Who: the flags that say which server is asked, and as whom.

use std::path::PathBuf;

use clap::Args;
use keepline::Duration;
use keepline_server::id::UserId;

use crate::api::{Http, ServerUrl};
use crate::quantity::duration;
use crate::trust::{Authorities, Way};

/// Which server, and as whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Who and where")]
pub(crate) struct Who {
    /// As this user, who is made at his first use; needed unless a token says it.
    #[arg(id = "as", global = true, long, env = "KEEPLINE_USER", hide_env_values = true, value_name = "NAME")]
    pub(crate) user: Option<UserId>,
    /// The server's HTTP port.
    #[arg(
        global = true,
        long,
        env = "KEEPLINE_SERVER",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8083",
        value_name = "URL"
    )]
    pub(crate) server: ServerUrl,
    /// A file with the certificates, in PEM, that a server at https is trusted by; default: the system's authorities.
    #[arg(global = true, long, env = "KEEPLINE_CA", hide_env_values = true, value_name = "FILE", value_parser = Authorities::of_file)]
    pub(crate) ca: Option<Authorities>,
    /// A file with the token; KEEPLINE_TOKEN may hold it instead. Default: the one that is kept for this user.
    #[arg(global = true, long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// A file with the password; KEEPLINE_PASSWORD may hold it instead. Default: asked for when it is needed.
    #[arg(global = true, long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// What the server has to answer a request.
    #[arg(global = true, long, default_value = "10s", value_parser = duration, value_name = "TIME")]
    pub(crate) timeout: Duration,
}

impl Who {
    /// How its long connections are made.
    pub(crate) fn way(&self) -> Way {
        Way::to(&self.server, self.ca.as_ref())
    }

    /// The client of this server.
    pub(crate) fn http(&self) -> Http {
        Http::new(self.server.clone(), self.timeout.to_std(), self.ca.as_ref())
    }
}
