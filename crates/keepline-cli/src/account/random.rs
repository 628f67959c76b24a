//! Random names and passwords, of the kernel's randomness.

use std::fmt::Write as _;
use std::io;

use crate::secret::Secret;

/// A device's name that no other device has: 64 random bits.
pub(crate) fn device() -> io::Result<String> {
    Ok(format!("cli-{}", hex::<8>()?))
}

/// A message's id: 128 random bits.
pub(crate) fn message_id() -> io::Result<String> {
    hex::<16>()
}

/// A password that nobody guesses or types: 192 random bits.
pub(crate) fn password() -> io::Result<Secret> {
    hex::<24>().map(Secret::new)
}

/// What opens an admin listener: 256 random bits.
pub(crate) fn admin_token() -> io::Result<Secret> {
    hex::<32>().map(Secret::new)
}

fn hex<const BYTES: usize>() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let mut text = String::with_capacity(2 * BYTES);
    for byte in bytes {
        // Writing into a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_another_of_its_length() {
        let ids: std::collections::HashSet<String> = (0..100).map(|_| message_id().unwrap()).collect();
        assert!(ids.len() == 100 && ids.iter().all(|id| id.len() == 32), "{ids:?}");
        assert_eq!(password().unwrap().reveal().len(), 48);
        assert!(device().unwrap().parse::<keepline_server::id::DeviceId>().is_ok());
    }
}
