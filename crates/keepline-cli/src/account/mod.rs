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
mod who;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use credentials::{Credentials, CredentialsError, Entry, Key, Purpose};
pub(crate) use error::AccountError;
pub(crate) use who::Who;

use crate::api::{Api, Issued, Login, Renewal};
use crate::output::note;
use crate::secret::{Secret, is_for_us_alone};
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
    /// Whether no session of the device has come about: until [`settle`](Self::settle) says otherwise.
    pub(crate) is_new_device: bool,
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
        Entrance::new(who, Purpose::Talk)?.open().await
    }

    /// As [`open`](Self::open), with a device that is for following only, unless a token was given.
    ///
    /// # Errors
    /// Each [`AccountError`].
    pub(crate) async fn open_to_follow(who: &Who) -> Result<Self, AccountError> {
        // Makes the user where he is new, and looks whether the server lets us in.
        let talks = Self::open(who).await?;
        if given(who.token_file.as_deref(), "KEEPLINE_TOKEN")?.is_some() {
            return Ok(talks);
        }
        Entrance::new(who, Purpose::Follow)?.open().await
    }

    /// As [`open`](Self::open), with a token that is new, and is kept in the place of the one before.
    ///
    /// # Errors
    /// Each [`AccountError`].
    pub(crate) async fn open_anew(who: &Who) -> Result<Self, AccountError> {
        let entrance = Entrance::new(who, Purpose::Talk)?;
        let mut locked = entrance.credentials.lock()?;
        if let Some(entry) = locked.entry(&entrance.key).cloned() {
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
        let key = Key { server, user: self.user.clone(), purpose: Purpose::Talk };
        let token = self.api.token();
        let is_ours = |entry: &&Entry| entry.token == token;
        if credentials.entry(&key)?.as_ref().filter(is_ours).is_some() {
            let mut locked = credentials.lock()?;
            if let Some(entry) = locked.entry(&key).filter(is_ours).cloned() {
                locked.put(Entry { token: None, expires_ms: None, ..entry })?;
            }
        }
        Ok(())
    }

    /// Keeps that the device, one for following, has begun: the next process goes on where this one ends.
    ///
    /// # Errors
    /// The credentials file's.
    pub(crate) fn settle(&self) -> Result<(), AccountError> {
        let (server, user) = (self.api.server().to_string(), self.user.clone());
        let key = Key { server, user, purpose: Purpose::Follow };
        let mut locked = Credentials::of_this_user()?.lock()?;
        let is_ours = |entry: &&Entry| entry.is_new && Some(&entry.device) == self.device.as_ref();
        if let Some(entry) = locked.entry(&key).filter(is_ours).cloned() {
            locked.put(Entry { is_new: false, ..entry })?;
        }
        Ok(())
    }

    async fn of_token(who: &Who, token: Secret) -> Result<Self, AccountError> {
        let api = Api::new(who.http(), token, None);
        let me = api.me().await?;
        if let Some(user) = who.user.as_ref().filter(|user| user.as_str() != me.user) {
            return Err(AccountError::NotHis { user: user.to_string(), whose: me.user });
        }
        Ok(Self { user: me.user, device: me.device, is_new_device: false, api: Arc::new(api) })
    }
}

/// The way to a token of a user at a server.
struct Entrance<'a> {
    who: &'a Who,
    key: Key,
    credentials: Credentials,
}

impl<'a> Entrance<'a> {
    fn new(who: &'a Who, purpose: Purpose) -> Result<Self, AccountError> {
        let user = who.user.as_ref().ok_or(AccountError::NoName)?.to_string();
        let key = Key { server: who.server.to_string(), user, purpose };
        Ok(Self { who, key, credentials: Credentials::of_this_user()? })
    }

    /// By the token that is kept, if it will do.
    async fn open(self) -> Result<Account, AccountError> {
        match self.credentials.entry(&self.key)?.filter(is_good) {
            Some(entry) => {
                let drawn = self.credentials.entry(&self.talk())?.and_then(|entry| entry.password);
                Ok(self.account(entry, drawn))
            }
            None => self.enter().await,
        }
    }

    /// By a new token, unless another process has kept one meanwhile.
    async fn enter(self) -> Result<Account, AccountError> {
        let given = given(self.who.password_file.as_deref(), "KEEPLINE_PASSWORD")?;
        // Until the end, so that of two processes at the first use of a name one makes the account, and both enter.
        let mut locked = self.credentials.lock()?;
        let kept = locked.entry(&self.key).cloned();
        let mut drawn = locked.entry(&self.talk()).and_then(|entry| entry.password.clone());
        if let Some(entry) = kept.clone().filter(is_good) {
            return Ok(self.account(entry, drawn));
        }
        let is_first = kept.is_none();
        let mut entry = match kept {
            Some(entry) => entry,
            None => self.blank()?,
        };
        let issued = match given.or_else(|| drawn.clone()) {
            Some(password) => match self.nobody().log_in_or_make(&login(&entry, password)).await {
                Ok((issued, made)) => {
                    if made {
                        self.say_made(false);
                    }
                    Some(issued)
                }
                // The password that was drawn is no longer his: whoever changed it knows the new one.
                Err(error) if error.code() == Some("bad_credentials") && drawn.take().is_some() => {
                    entry.password = None;
                    None
                }
                Err(error) => return Err(error.into()),
            },
            None if is_first && self.key.purpose == Purpose::Talk => {
                let made = self.make(&mut locked, &mut entry).await?;
                drawn.clone_from(&entry.password);
                made
            }
            None => None,
        };
        let Some(issued) = issued else {
            // Nobody else waits while a person types.
            drop(locked);
            return self.ask(entry).await;
        };
        keep(&mut entry, &issued);
        locked.put(entry.clone())?;
        Ok(self.account(entry, drawn))
    }

    /// Makes the account with a password drawn here, which is kept first: who dies in between finds it. `None` if the
    /// name is taken.
    async fn make(&self, locked: &mut Locked, entry: &mut Entry) -> Result<Option<Issued>, AccountError> {
        let password = random::password()?;
        entry.password = Some(password.clone());
        locked.put(entry.clone())?;
        let nobody = self.nobody();
        match nobody.create_account(&self.key.user, &password).await {
            Ok(()) => {
                self.say_made(true);
                Ok(Some(nobody.log_in(&login(entry, password)).await?))
            }
            Err(error) if error.is_unknown() => Err(error.into()),
            Err(error) => {
                entry.password = None;
                locked.remove(&self.key)?;
                if error.code() == Some("taken") { Ok(None) } else { Err(error.into()) }
            }
        }
    }

    /// Enters with a password that is asked for, and not kept.
    async fn ask(self, mut entry: Entry) -> Result<Account, AccountError> {
        let Key { user, server, .. } = &self.key;
        let password = password::ask(&format!("Password of {user} at {server}"))
            .map_err(|error| AccountError::NoPassword { user: user.clone(), why: error.to_string() })?;
        let issued = self.nobody().log_in(&login(&entry, password)).await?;
        keep(&mut entry, &issued);
        self.credentials.lock()?.put(entry.clone())?;
        Ok(self.account(entry, None))
    }

    fn say_made(&self, drawn: bool) {
        let place = self.credentials.path();
        let kept = if drawn { format!("; its password is in {}", place.display()) } else { String::new() };
        note(&format!("made the account {} at {}{kept}", self.key.user, self.key.server));
    }

    fn nobody(&self) -> Api {
        Api::anonymous(self.who.http())
    }

    /// Where the password is kept, if one was drawn.
    fn talk(&self) -> Key {
        Key { purpose: Purpose::Talk, ..self.key.clone() }
    }

    /// An entry with a device of its own, and nothing else.
    fn blank(&self) -> Result<Entry, AccountError> {
        let device = random::device()?;
        let is_new = self.key.purpose == Purpose::Follow;
        Ok(Entry { key: self.key.clone(), device, token: None, expires_ms: None, password: None, is_new })
    }

    /// The account of an entry that has a token; `drawn` is the password by which it gets another.
    fn account(&self, entry: Entry, drawn: Option<Secret>) -> Account {
        let token = entry.token.clone().unwrap_or_else(|| Secret::new(String::new()));
        let renewal = drawn.map(|password| {
            let (credentials, entry, login) = (self.credentials.clone(), entry.clone(), login(&entry, password));
            let keep = move |issued: &Issued, made: bool| {
                let (server, user) = (&entry.key.server, &entry.key.user);
                if made {
                    note(&format!("{server} did not know {user} any more: made the account again"));
                }
                let put = |mut locked: Locked| {
                    // What else of it was changed meanwhile stays.
                    let mut entry = locked.entry(&entry.key).unwrap_or(&entry).clone();
                    keep(&mut entry, issued);
                    locked.put(entry)
                };
                // Without it, the next process gets a token of its own.
                if let Err(error) = credentials.lock().and_then(put) {
                    note(&format!("the new token is not kept: {error}"));
                }
            };
            Renewal { login, keep: Box::new(keep) }
        });
        let api = Arc::new(Api::new(self.who.http(), token, renewal));
        Account { user: self.key.user.clone(), device: Some(entry.device), is_new_device: entry.is_new, api }
    }
}

fn login(entry: &Entry, password: Secret) -> Login {
    Login { user: entry.key.user.clone(), password, device: entry.device.clone() }
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
                let file = File::open(path)?;
                is_for_us_alone(&file)?;
                let mut text = String::new();
                file.take(LONGEST).read_to_string(&mut text)?;
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
