//! TokenFile: the file in the data directory that holds the token, for its owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::account::random;
use crate::secret::{Secret, is_for_us_alone};

/// Its name.
pub(crate) const FILE: &str = "admin.token";

/// No token is longer, in bytes.
const LONGEST: u64 = 4096;

/// Whether a token is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It was made now: nobody has seen it.
    Made,
    /// It was there.
    Found,
}

/// The token of the server that keeps everything in this folder; made if there is none.
///
/// # Errors
/// The system's; others can read the file.
pub(crate) fn obtain(folder: &Path) -> io::Result<(Secret, Kept)> {
    let path = folder.join(FILE);
    match read(&path) {
        Ok(token) => return Ok((token, Kept::Found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
    }
    let token = random::admin_token()?;
    // Under another name until it is whole, and on the disk before anybody is told.
    let new = folder.join("admin.token.new");
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(file, "{}", token.reveal())?;
    file.sync_all()?;
    fs::rename(&new, &path)?;
    File::open(folder)?.sync_all()?;
    Ok((token, Kept::Made))
}

/// Reads a token.
///
/// # Errors
/// The system's; others can read the file; there is no token in it.
pub(crate) fn read(path: &Path) -> io::Result<Secret> {
    let file = File::open(path)?;
    is_for_us_alone(&file)?;
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    let token = text.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(io::Error::other("there is no token in it: remove it, and the next start makes another"));
    }
    Ok(Secret::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn it_is_made_once_for_its_owner_and_refused_when_others_read_it() {
        let folder = std::env::temp_dir().join(format!("keepline-admin-token-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        let (made, kept) = obtain(&folder).unwrap();
        assert!(kept == Kept::Made && made.reveal().len() == 64);
        let path = folder.join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let (found, kept) = obtain(&folder).unwrap();
        assert!(kept == Kept::Found && found == made);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(obtain(&folder).unwrap_err().to_string().contains("others can read this secret"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("no token in it"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
