//! Account: who we are at a server, and what proves it.
//!
//! ```text
//!  a token was given ──────────────────────────────────────────────▶ the token says who
//!  one is kept, and not over ──────────────────────────────────────▶ that one
//!  a password was given, or is kept ──▶ log in ──(unknown)──▶ make ▶ a new token
//!  nothing is known: draw a password ──▶ make ──(made)─────────────▶ a new token; both are kept
//!                                          └──(taken)──▶ ask ──────▶ a new token
//! ```

mod credentials;
mod error;
mod password;
pub(crate) mod random;
mod secret;
mod who;

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use credentials::{Credentials, CredentialsError, Entry};
pub(crate) use error::AccountError;
pub(crate) use secret::Secret;
pub(crate) use who::Who;

use crate::api::{Api, Issued, Login, Renewal};
use crate::output::note;
use credentials::Locked;

/// A kept token with less than this to live is not used any more, in milliseconds.
const TOO_SHORT_MS: u64 = 60_000;

/// The longest file with a token or a password, in bytes.
const LONGEST: u64 = 4096;

/// Who we are at a server.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user: String,
    /// The device of the token.
    pub(crate) device: Option<String>,
    /// As this user.
    pub(crate) api: Arc<Api>,
}

impl Account {
    /// Finds out who we are, by the ways on top of this file.
    ///
    /// # Errors
    /// Each [`AccountError`].
    pub(crate) async fn open(who: &Who) -> Result<Self, AccountError> {
        if let Some(token) = given(who.token_file.as_deref(), "KEEPLINE_TOKEN")? {
            return Self::of_token(who, token).await;
        }
        let user = who.user.as_ref().ok_or(AccountError::NoName)?.as_str();
        let entrance = Entrance::new(who, user)?;
        let kept = entrance.credentials.entry(&entrance.server, user)?;
        match kept.filter(is_good) {
            Some(entry) => Ok(entrance.account(entry)),
            None => entrance.enter().await,
        }
    }

    /// As [`open`](Self::open), with a token that is new, and is kept in the place of the one before.
    ///
    /// # Errors
    /// Each [`AccountError`].
    pub(crate) async fn open_anew(who: &Who) -> Result<Self, AccountError> {
        let user = who.user.as_ref().ok_or(AccountError::NoName)?.as_str();
        let entrance = Entrance::new(who, user)?;
        let mut locked = entrance.credentials.lock()?;
        if let Some(entry) = locked.entry(&entrance.server, user).cloned() {
            locked.put(Entry { token: None, expires_ms: None, ..entry })?;
        }
        drop(locked);
        entrance.enter().await
    }

    /// Forgets the token that is kept of us, if one is. What else is kept stays.
    ///
    /// # Errors
    /// The credentials file's.
    pub(crate) fn forget_token(&self) -> Result<(), AccountError> {
        let credentials = Credentials::of_this_user()?;
        let server = self.api.server().to_string();
        let token = self.api.token();
        let is_ours = |entry: &&Entry| entry.token == token;
        if credentials.entry(&server, &self.user)?.as_ref().filter(is_ours).is_some() {
            let mut locked = credentials.lock()?;
            if let Some(entry) = locked.entry(&server, &self.user).filter(is_ours).cloned() {
                locked.put(Entry { token: None, expires_ms: None, ..entry })?;
            }
        }
        Ok(())
    }

    async fn of_token(who: &Who, token: Secret) -> Result<Self, AccountError> {
        let api = Api::new(who.http(), token, None);
        let me = api.me().await?;
        if let Some(user) = who.user.as_ref().filter(|user| user.as_str() != me.user) {
            return Err(AccountError::NotHis { user: user.to_string(), whose: me.user });
        }
        Ok(Self { user: me.user, device: me.device, api: Arc::new(api) })
    }
}

/// The way to a token of a user of whom none is kept.
struct Entrance<'a> {
    who: &'a Who,
    user: &'a str,
    /// The server's URL, as the credentials name it.
    server: String,
    credentials: Credentials,
}

impl<'a> Entrance<'a> {
    fn new(who: &'a Who, user: &'a str) -> Result<Self, AccountError> {
        Ok(Self { who, user, server: who.server.to_string(), credentials: Credentials::of_this_user()? })
    }

    async fn enter(self) -> Result<Account, AccountError> {
        let given = given(self.who.password_file.as_deref(), "KEEPLINE_PASSWORD")?;
        // Until the end, so that of two processes at the first use of a name one makes the account, and both enter.
        let mut locked = self.credentials.lock()?;
        let kept = locked.entry(&self.server, self.user).cloned();
        if let Some(entry) = kept.clone().filter(is_good) {
            return Ok(self.account(entry));
        }
        let device = kept.as_ref().map_or_else(random::device, |entry| Ok(entry.device.clone()))?;
        let mut entry = Entry {
            server: self.server.clone(),
            user: self.user.to_owned(),
            device,
            token: None,
            expires_ms: None,
            password: kept.as_ref().and_then(|entry| entry.password.clone()),
        };
        let known = given.or_else(|| entry.password.clone());
        let issued = match known {
            Some(password) => match self.nobody().log_in_or_make(&login(&entry, password)).await {
                Ok((issued, made)) => {
                    if made {
                        self.say_made(false);
                    }
                    Some(issued)
                }
                // The password that was drawn is no longer his: whoever changed it knows the new one.
                Err(error) if error.code() == Some("bad_credentials") && entry.password.take().is_some() => None,
                Err(error) => return Err(error.into()),
            },
            None if kept.is_none() => self.make(&mut locked, &mut entry).await?,
            None => None,
        };
        let Some(issued) = issued else {
            // Nobody else waits while a person types.
            drop(locked);
            return self.ask(entry).await;
        };
        keep(&mut entry, &issued);
        locked.put(entry.clone())?;
        Ok(self.account(entry))
    }

    /// Makes the account with a password drawn here, which is kept first: who dies in between finds it. `None` if the
    /// name is taken.
    async fn make(&self, locked: &mut Locked, entry: &mut Entry) -> Result<Option<Issued>, AccountError> {
        let password = random::password()?;
        entry.password = Some(password.clone());
        locked.put(entry.clone())?;
        let nobody = self.nobody();
        match nobody.create_account(self.user, &password).await {
            Ok(()) => {
                self.say_made(true);
                Ok(Some(nobody.log_in(&login(entry, password)).await?))
            }
            Err(error) if error.is_unknown() => Err(error.into()),
            Err(error) => {
                entry.password = None;
                locked.remove(&self.server, self.user)?;
                if error.code() == Some("taken") { Ok(None) } else { Err(error.into()) }
            }
        }
    }

    /// Enters with a password that is asked for, and not kept.
    async fn ask(self, mut entry: Entry) -> Result<Account, AccountError> {
        let password = password::ask(&format!("Password of {} at {}", self.user, self.server))
            .map_err(|error| AccountError::NoPassword { user: self.user.to_owned(), why: error.to_string() })?;
        let issued = self.nobody().log_in(&login(&entry, password)).await?;
        keep(&mut entry, &issued);
        self.credentials.lock()?.put(entry.clone())?;
        Ok(self.account(entry))
    }

    fn say_made(&self, drawn: bool) {
        let kept =
            if drawn { format!("; its password is in {}", self.credentials.path().display()) } else { String::new() };
        note(&format!("made the account {} at {}{kept}", self.user, self.server));
    }

    fn nobody(&self) -> Api {
        Api::anonymous(self.who.http())
    }

    /// The account of an entry that has a token.
    fn account(&self, entry: Entry) -> Account {
        let token = entry.token.clone().unwrap_or_else(|| Secret::new(String::new()));
        let renewal = entry.password.clone().map(|password| {
            let (credentials, entry, login) = (self.credentials.clone(), entry.clone(), login(&entry, password));
            let keep = move |issued: &Issued, made: bool| {
                if made {
                    note(&format!("{} did not know {} any more: made the account again", entry.server, entry.user));
                }
                let mut entry = entry.clone();
                keep(&mut entry, issued);
                // Without it, the next process gets a token of its own.
                if let Err(error) = credentials.lock().and_then(|mut locked| locked.put(entry)) {
                    note(&format!("the new token is not kept: {error}"));
                }
            };
            Renewal { login, keep: Box::new(keep) }
        });
        let api = Arc::new(Api::new(self.who.http(), token, renewal));
        Account { user: self.user.to_owned(), device: Some(entry.device), api }
    }
}

fn login(entry: &Entry, password: Secret) -> Login {
    Login { user: entry.user.clone(), password, device: entry.device.clone() }
}

fn keep(entry: &mut Entry, issued: &Issued) {
    entry.token = Some(issued.token.clone());
    entry.expires_ms = Some(issued.expires_ms);
}

/// Whether a kept entry has a token that will do.
fn is_good(entry: &Entry) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    entry.token.is_some() && entry.expires_ms.is_some_and(|expires| expires > now.saturating_add(TOO_SHORT_MS))
}

/// A secret from a file or, where none is named, from the environment; one that is empty is none.
fn given(file: Option<&Path>, variable: &'static str) -> Result<Option<Secret>, AccountError> {
    let text = match file {
        Some(path) => {
            let read = || -> io::Result<String> {
                let mut text = String::new();
                std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
                Ok(text)
            };
            Some(read().map_err(|source| AccountError::File { path: path.to_owned(), source })?)
        }
        None => match std::env::var(variable) {
            Ok(text) => Some(text),
            Err(std::env::VarError::NotPresent) => None,
            Err(std::env::VarError::NotUnicode(_)) => return Err(AccountError::NotText(variable)),
        },
    };
    let line = text.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
    Ok(line.filter(|line| !line.is_empty()).map(|line| Secret::new(line.to_owned())))
}
