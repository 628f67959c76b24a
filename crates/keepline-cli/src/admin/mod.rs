//! Admin: the token of a server's admin listener: made at the server's first start, read by tools on its machine.

mod token_file;

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

pub(crate) use token_file::{FILE, Kept, obtain, read};

use crate::failure::Failure;
use crate::secret::Secret;

/// Where a server keeps everything that was not told where: by itself, and as the package runs it.
const FOLDERS: [&str; 2] = ["keepline-data", "/var/lib/keepline"];

/// The variable that may hold the token.
pub(crate) const VARIABLE: &str = "KEEPLINE_ADMIN_TOKEN";

/// How a tool knows the token.
#[derive(Debug, Args)]
pub(crate) struct AdminToken {
    /// A file with the token of the admin listener; KEEPLINE_ADMIN_TOKEN may hold it instead. Default: admin.token
    /// in keepline-data, or in /var/lib/keepline.
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<PathBuf>,
}

impl AdminToken {
    /// The token, if there is one to be found: a listener may ask for none.
    ///
    /// # Errors
    /// The file that was named can't be read.
    pub(crate) fn find(&self) -> Result<Option<Secret>, Failure> {
        if let Some(path) = &self.admin_token_file {
            return Ok(Some(read(path).map_err(|error| at(path, &error))?));
        }
        if let Some(token) = std::env::var(VARIABLE).ok().filter(|token| !token.is_empty()) {
            return Ok(Some(Secret::new(token)));
        }
        for path in FOLDERS.map(|folder| Path::new(folder).join(FILE)) {
            match read(&path) {
                Ok(token) => return Ok(Some(token)),
                // Another's server, or none at all: the listener will say what it wants.
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {}
                Err(error) => return Err(at(&path, &error)),
            }
        }
        Ok(None)
    }
}

fn at(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}
