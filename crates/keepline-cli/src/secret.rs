//! Secret: a password or a token, which nothing prints by accident.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use serde::{Deserialize, Serialize};

/// A text that is not printed: not by `Debug`, and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for what has to send or keep it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Whether a file of a secret is for its owner alone. What is no file, as a pipe of the shell's, is read by us only.
///
/// # Errors
/// Others can read it, or write it; the system's.
pub(crate) fn is_for_us_alone(file: &File) -> io::Result<()> {
    // Of the open file, not of whatever has the name a moment later.
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        return Err(io::Error::other("others can read this secret: chmod 600 it, and get another one if they did"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".to_owned())), "Secret(..)");
    }
}
