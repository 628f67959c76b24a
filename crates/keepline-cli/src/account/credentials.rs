//! Credentials: the file in which the tokens of this machine's user are kept, for his eyes only.
//!
//! `$XDG_CONFIG_HOME/keepline/credentials.json`, or `~/.config/keepline/credentials.json`: JSON, mode 0600, in a folder
//! of mode 0700. It is replaced as a whole, so that it is never half written, and changed under a lock, so that of two
//! processes none loses what the other has kept.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// The longest file that is read, in bytes: some thousands of entries.
const LONGEST: u64 = 1 << 20;

/// The version of the format.
const VERSION: u32 = 1;

const FILE: &str = "credentials.json";

/// Whose an entry is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// The server's URL.
    pub(crate) server: String,
    pub(crate) user: String,
    #[serde(default, skip_serializing_if = "Purpose::is_talk")]
    pub(crate) purpose: Purpose,
}

/// What a device is for. Of one device one session lives, and each has its own account of what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// What a person does.
    #[default]
    Talk,
    /// `keepline sub`.
    Follow,
}

/// What is kept of one user at one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    #[serde(flatten)]
    pub(crate) key: Key,
    /// Drawn once, so that each login replaces the one before and no other device's.
    pub(crate) device: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Secret>,
    /// When the token is over: milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires_ms: Option<u64>,
    /// Only one that was drawn here: those of people are not kept. Only where the purpose is to talk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<Secret>,
    /// No session of the device has come about, as far as is known here: it is still to be told where it begins.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_new: bool,
}

/// Where the file is.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    folder: PathBuf,
}

/// The file, which no other process changes meanwhile.
#[derive(Debug)]
pub(crate) struct Locked {
    credentials: Credentials,
    entries: Vec<Entry>,
    _lock: File,
}

/// Why the file is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialsError {
    #[error("there is no place for credentials: set HOME or XDG_CONFIG_HOME, or give the token in KEEPLINE_TOKEN")]
    NoHome,
    #[error("others can read {}: chmod 600 it, and get new tokens if it was so for long", .0.display())]
    Exposed(PathBuf),
    #[error("others can write into {}: chmod 700 it", .0.display())]
    Open(PathBuf),
    #[error("{} belongs to another user", .0.display())]
    NotOurs(PathBuf),
    #[error("{} can't be understood ({why}): mend it, or remove it to begin anew", .path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

#[derive(Serialize, Deserialize)]
struct Whole {
    version: u32,
    entries: Vec<Entry>,
}

impl Purpose {
    const fn is_talk(&self) -> bool {
        matches!(self, Self::Talk)
    }
}

impl Credentials {
    /// Where they are of who runs this process (XDG Base Directory Specification 0.8).
    ///
    /// # Errors
    /// `NoHome`.
    pub(crate) fn of_this_user() -> Result<Self, CredentialsError> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let config = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
        Ok(Self { folder: config.ok_or(CredentialsError::NoHome)?.join("keepline") })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// What is kept of a user at a server.
    ///
    /// # Errors
    /// The file is there and can't be trusted or read.
    pub(crate) fn entry(&self, key: &Key) -> Result<Option<Entry>, CredentialsError> {
        Ok(self.read()?.into_iter().find(|entry| entry.key == *key))
    }

    /// Keeps other processes from changing the file until the answer is dropped; waits for one that does the same.
    ///
    /// # Errors
    /// As [`entry`](Self::entry); the folder can't be made.
    pub(crate) fn lock(&self) -> Result<Locked, CredentialsError> {
        self.make_folder()?;
        let path = self.folder.join("credentials.lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.and_then(|lock| lock.lock().map(|()| lock)).map_err(|source| io_at(&path, source))?;
        Ok(Locked { entries: self.read()?, credentials: self.clone(), _lock: lock })
    }

    fn make_folder(&self) -> Result<(), CredentialsError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|source| io_at(&self.folder, source))?;
        let folder = fs::metadata(&self.folder).map_err(|source| io_at(&self.folder, source))?;
        if folder.uid() != geteuid().as_raw() {
            return Err(CredentialsError::NotOurs(self.folder.clone()));
        }
        // Who can write here can put a file of his own in the place of ours.
        if folder.mode() & 0o022 != 0 {
            return Err(CredentialsError::Open(self.folder.clone()));
        }
        Ok(())
    }

    fn read(&self) -> Result<Vec<Entry>, CredentialsError> {
        let path = self.path();
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file.map_err(|source| io_at(&path, source))?,
        };
        // Of the open file, not of whatever has the name a moment later.
        let metadata = file.metadata().map_err(|source| io_at(&path, source))?;
        if metadata.uid() != geteuid().as_raw() {
            return Err(CredentialsError::NotOurs(path));
        }
        if metadata.mode() & 0o077 != 0 {
            return Err(CredentialsError::Exposed(path));
        }
        let mut text = String::new();
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(|source| io_at(&path, source))?;
        let damaged = |why: String| CredentialsError::Damaged { path: path.clone(), why };
        if text.len() as u64 > LONGEST {
            return Err(damaged(format!("it is longer than {LONGEST} bytes")));
        }
        // Without serde's words: they may quote a secret.
        let whole: Whole = serde_json::from_str(&text)
            .map_err(|error| damaged(format!("line {}, column {}", error.line(), error.column())))?;
        if whole.version != VERSION {
            return Err(damaged(format!("it is of version {}, and this keepline knows {VERSION}", whole.version)));
        }
        Ok(whole.entries)
    }

    fn write(&self, entries: &[Entry]) -> Result<(), CredentialsError> {
        let new = self.folder.join("credentials.json.new");
        let write = || -> io::Result<()> {
            // Left by a process that died; under the lock it is nobody's.
            let _ = fs::remove_file(&new);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            let whole = Whole { version: VERSION, entries: entries.to_vec() };
            let mut text = serde_json::to_string_pretty(&whole).map_err(io::Error::other)?;
            text.push('\n');
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, self.path())?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|source| io_at(&self.path(), source))
    }
}

impl Locked {
    /// What is kept of a user at a server.
    pub(crate) fn entry(&self, key: &Key) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == *key)
    }

    /// Keeps an entry in the place of the one of the same server and user.
    ///
    /// # Errors
    /// `Io`: the file is what it was.
    pub(crate) fn put(&mut self, entry: Entry) -> Result<(), CredentialsError> {
        self.entries.retain(|other| other.key != entry.key);
        self.entries.push(entry);
        self.credentials.write(&self.entries)
    }

    /// Forgets a user at a server.
    ///
    /// # Errors
    /// `Io`: the file is what it was.
    pub(crate) fn remove(&mut self, key: &Key) -> Result<(), CredentialsError> {
        self.entries.retain(|entry| entry.key != *key);
        self.credentials.write(&self.entries)
    }
}

fn io_at(path: &Path, source: io::Error) -> CredentialsError {
    CredentialsError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A folder of a test's own, which goes with it.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> (Self, Credentials) {
            let place = std::env::temp_dir().join(format!("keepline-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&place);
            let credentials = Credentials { folder: place.join("keepline") };
            (Self(place), credentials)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn key(server: &str, user: &str) -> Key {
        Key { server: server.to_owned(), user: user.to_owned(), purpose: Purpose::Talk }
    }

    fn entry(server: &str, user: &str, token: &str) -> Entry {
        let token = Some(Secret::new(token.to_owned()));
        let (key, device) = (key(server, user), "cli-1".to_owned());
        Entry { key, device, token, expires_ms: Some(1), password: None, is_new: false }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn entries_are_found_by_server_and_user_in_a_file_for_one_pair_of_eyes() {
        let (_place, credentials) = Place::new("entries");
        assert_eq!(credentials.entry(&key("s", "ann")).unwrap(), None, "no file is no error");
        let mut locked = credentials.lock().unwrap();
        for (server, user, token) in [("s", "ann", "1"), ("s", "bob", "2"), ("t", "ann", "3"), ("s", "ann", "4")] {
            locked.put(entry(server, user, token)).unwrap();
        }
        let followed = Key { purpose: Purpose::Follow, ..key("s", "ann") };
        locked.put(Entry { key: followed.clone(), ..entry("s", "ann", "5") }).unwrap();
        locked.remove(&key("s", "bob")).unwrap();
        drop(locked);
        for (server, user, token) in [("s", "ann", Some("4")), ("t", "ann", Some("3")), ("s", "bob", None)] {
            let kept = credentials.entry(&key(server, user)).unwrap();
            assert_eq!(kept, token.map(|token| entry(server, user, token)));
        }
        let token = credentials.entry(&followed).unwrap().and_then(|entry| entry.token);
        assert_eq!(token.as_ref().map(Secret::reveal), Some("5"));
        assert_eq!((mode(&credentials.folder), mode(&credentials.path())), (0o700, 0o600));
        assert!(!credentials.folder.join("credentials.json.new").exists());
    }

    #[test]
    fn what_others_can_read_or_change_is_refused() {
        let (_place, credentials) = Place::new("modes");
        credentials.lock().unwrap().put(entry("s", "ann", "1")).unwrap();
        let chmod = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o644] {
            chmod(&credentials.path(), mode);
            assert!(matches!(credentials.entry(&key("s", "ann")), Err(CredentialsError::Exposed(_))), "{mode:o}");
        }
        chmod(&credentials.path(), 0o600);
        assert!(credentials.entry(&key("s", "ann")).unwrap().is_some());
        for mode in [0o770, 0o702] {
            chmod(&credentials.folder, mode);
            assert!(matches!(credentials.lock(), Err(CredentialsError::Open(_))), "{mode:o}");
        }
        // Others may look at what else is configured there.
        chmod(&credentials.folder, 0o755);
        assert!(credentials.lock().is_ok());
    }

    #[test]
    fn damage_is_told_without_telling_a_secret() {
        let (_place, credentials) = Place::new("damage");
        credentials.lock().unwrap().put(entry("s", "ann", "1")).unwrap();
        for text in ["", "{", "[]", "{\"version\":2,\"entries\":[]}", "{\"version\":1,\"entries\":\"hunter2\"}"] {
            fs::write(credentials.path(), text).unwrap();
            let error = credentials.entry(&key("s", "ann")).unwrap_err();
            assert!(matches!(error, CredentialsError::Damaged { .. }), "{text}: {error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn of_two_who_change_it_none_loses_what_the_other_kept() {
        let (_place, credentials) = Place::new("lock");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let credentials = &credentials;
                scope.spawn(move || {
                    for n in 0..8 {
                        let user = format!("u{writer}-{n}");
                        credentials.lock().unwrap().put(entry("s", &user, "1")).unwrap();
                    }
                });
            }
        });
        assert_eq!(credentials.read().unwrap().len(), 32);
    }
}
