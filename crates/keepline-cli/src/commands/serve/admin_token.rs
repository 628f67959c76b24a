//! AdminToken of the server: what its admin listener asks for, and who is shown it.

use std::io::{self, IsTerminal as _, Write as _};

use keepline_server::http::admin::AdminToken;

use super::say;
use crate::account::random;
use crate::admin::{self, Kept};
use crate::config::Settings;

/// What the settings say, or what is kept with the data. A new one is shown to who sits at the terminal, once, and is in
/// no log.
///
/// # Errors
/// It can't be read or kept.
pub(super) fn obtain(settings: &Settings) -> io::Result<Option<AdminToken>> {
    if settings.listen.admin.is_none() {
        return Ok(None);
    }
    token_of(settings)
}

/// As [`obtain`], for a server that runs; `None` where the one that it has is to stay.
///
/// # Errors
/// As [`obtain`].
pub(super) fn again(settings: &Settings) -> io::Result<Option<AdminToken>> {
    // What is kept nowhere can't be read again.
    let nowhere = settings.admin.token.is_none() && settings.store.memory;
    if nowhere || settings.listen.admin.is_none() { Ok(None) } else { token_of(settings) }
}

fn token_of(settings: &Settings) -> io::Result<Option<AdminToken>> {
    if let Some(token) = &settings.admin.token {
        return Ok(Some(AdminToken::of(token.reveal())));
    }
    let (token, kept_in) = if settings.store.memory {
        (random::admin_token()?, None)
    } else {
        let (token, kept) = admin::obtain(&settings.store.data)?;
        if kept == Kept::Found {
            return Ok(Some(AdminToken::of(token.reveal())));
        }
        (token, Some(settings.store.data.join(admin::FILE)))
    };
    match &kept_in {
        _ if io::stderr().is_terminal() => {
            let _ = writeln!(io::stderr(), "token of the admin listener, shown this once: {}", token.reveal());
        }
        Some(path) => say(&format!("the token of the admin listener is in {}", path.display())),
        None => say("KEEPLINE_ADMIN__TOKEN is not set: nobody knows the admin listener's token"),
    }
    Ok(Some(AdminToken::of(token.reveal())))
}
