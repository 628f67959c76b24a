//! Config: what an operator has chosen, and where: flags over the environment over a file over the defaults.
//!
//! ```text
//! keys ──▶ flags ────────┐
//!      ──▶ environment ──┼──▶ Effective: the settings, and of each its text and its place
//!      ──▶ file ─────────┘
//!      ──▶ sample, reference: what people read
//! ```
//! The table in [`keys`] is the only list: a setting is one row there.

mod environment;
mod file;
mod flags;
mod keys;
mod limit;
mod nearest;
mod place;
mod reference;
mod sample;
mod settings;
mod value;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;

pub(crate) use keys::{KEYS, Key};
pub(crate) use place::{Place, Problem, Problems};
pub(crate) use reference::reference;
pub(crate) use sample::sample;
pub(crate) use settings::Settings;
pub(crate) use value::{AuditFile, LogFormat};

use flags::Flags;

/// Settings of which one means nothing without the other: a certificate and its key, keys and whom their tokens are for.
const PAIRS: [[&str; 2]; 2] = [["listen.tls.cert", "listen.tls.key"], ["tokens.keys", "tokens.audience"]];

/// The variable that may name the file of settings.
const VARIABLE: &str = "KEEPLINE_CONFIG";

/// Where settings come from, on the command line.
#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// A file of settings, as keepline config default prints one, which KEEPLINE_CONFIG may name instead; the
    /// environment and flags come before it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

/// What is in force.
#[derive(Debug)]
pub(crate) struct Effective {
    pub(crate) settings: Settings,
    /// Of each key, in the table's order: its text, and who said so.
    chosen: Vec<Chosen>,
}

/// One key's value.
#[derive(Clone)]
pub(crate) struct Chosen {
    pub(crate) key: &'static Key,
    pub(crate) place: Place,
    text: String,
}

impl Sources {
    /// Reads them all.
    ///
    /// # Errors
    /// Whatever is wrong in any of them, all at once.
    pub(crate) fn load(&self) -> Result<Effective, Problems> {
        // Set to nothing is how many unset a variable of a container.
        let named = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        Effective::of(self.config.as_deref().or(named.as_deref()), std::env::vars_os(), &self.flags)
    }
}

impl Effective {
    /// What a file alone says, over the defaults.
    ///
    /// # Errors
    /// Whatever is wrong in it, all at once.
    pub(crate) fn of_file(path: &Path) -> Result<Self, Problems> {
        Self::of(Some(path), std::iter::empty(), &Flags::default())
    }

    fn of(
        path: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
        flags: &Flags,
    ) -> Result<Self, Problems> {
        let mut said = Vec::new();
        let mut problems = Vec::new();
        if let Some(path) = path {
            file::read(path, &mut said, &mut problems);
        }
        environment::read(environment, &mut said, &mut problems);
        said.extend(flags.said());
        let defaults = KEYS.iter().map(|key| Chosen { key, place: Place::Default, text: key.default.to_owned() });
        let mut effective = Self { settings: Settings::default(), chosen: defaults.collect() };
        for said in said {
            match (said.key.set)(&mut effective.settings, &said.text) {
                Ok(()) => effective.keep(said),
                Err(why) => problems.push(said.refused(&why)),
            }
        }
        for pair in PAIRS {
            effective.check_pair(pair, &mut problems);
        }
        problems.sort_by_key(|problem| problem.place.rank());
        if problems.is_empty() { Ok(effective) } else { Err(Problems(problems)) }
    }

    /// What a server that runs with these has after it has read others: of those only what can change while it runs.
    #[must_use]
    pub(crate) fn taking(&self, new: &Self) -> Self {
        let pairs = self.chosen.iter().zip(&new.chosen);
        let chosen: Vec<Chosen> = pairs.map(|(old, new)| if old.becomes(new) { new } else { old }).cloned().collect();
        let mut settings = Settings::default();
        for one in &chosen {
            // Each was read before, in the one or in the other.
            let set = (one.key.set)(&mut settings, &one.text);
            debug_assert_eq!(set, Ok(()), "{}", one.key.name);
        }
        Self { settings, chosen }
    }

    /// Of each key, in the table's order.
    pub(crate) fn chosen(&self) -> &[Chosen] {
        &self.chosen
    }

    /// Both, or neither.
    fn check_pair(&self, pair: [&str; 2], problems: &mut Vec<Problem>) {
        let said = |name: &str| self.chosen.iter().find(|chosen| chosen.key.name == name && !chosen.text.is_empty());
        if let [Some(one), None] | [None, Some(one)] = pair.map(said) {
            let other = pair[usize::from(one.key.name == pair[0])];
            problems
                .push(Problem { place: one.place.clone(), what: format!("{} wants {other} beside it", one.key.name) });
        }
    }

    fn keep(&mut self, said: Chosen) {
        if let Some(chosen) = self.chosen.iter_mut().find(|chosen| std::ptr::eq(chosen.key, said.key)) {
            *chosen = said;
        }
    }
}

impl Chosen {
    fn new(key: &'static Key, place: Place, text: impl Into<String>) -> Self {
        Self { key, place, text: text.into() }
    }

    /// Its value, for people: a secret is not told.
    pub(crate) fn shown(&self) -> &str {
        if self.key.secret && !self.text.is_empty() { "***" } else { &self.text }
    }

    /// Whether a server that runs with this takes the other.
    pub(crate) fn becomes(&self, other: &Self) -> bool {
        self.key.reload.takes(&self.text, &other.text)
    }

    /// Whether another says the same.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.text == other.text
    }

    fn refused(&self, why: &str) -> Problem {
        let Self { key, place, .. } = self;
        Problem { place: place.clone(), what: format!("{} = {:?}: {why}", key.name, self.shown()) }
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {:?} ({})", self.key.name, self.shown(), self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(all: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        all.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn written(text: &str) -> (tempfile::Folder, PathBuf) {
        let folder = tempfile::Folder::new();
        let path = folder.path().join("keepline.toml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    /// A folder that goes with its value.
    mod tempfile {
        use std::path::{Path, PathBuf};
        use std::sync::atomic::{AtomicU32, Ordering};

        pub(super) struct Folder(PathBuf);

        impl Folder {
            pub(super) fn new() -> Self {
                static NEXT: AtomicU32 = AtomicU32::new(0);
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let path = std::env::temp_dir().join(format!("keepline-config-{}-{number}", std::process::id()));
                std::fs::create_dir(&path).unwrap();
                Self(path)
            }

            pub(super) fn path(&self) -> &Path {
                &self.0
            }
        }

        impl Drop for Folder {
            fn drop(&mut self) {
                let _ = std::fs::remove_dir_all(&self.0);
            }
        }
    }

    fn name_of(effective: &Effective) -> (&str, String) {
        let chosen = effective.chosen().iter().find(|chosen| chosen.key.name == "server.name").unwrap();
        (chosen.shown(), chosen.place.to_string())
    }

    #[test]
    fn flags_are_over_the_environment_over_the_file_over_the_default() {
        let (_folder, path) = written("# ours\n[server]\nname = \"file\"\n");
        let environment = variables(&[("KEEPLINE_SERVER__NAME", "environment"), ("HOME", "/x"), ("KEEPLINE_X", "y")]);
        let flags = Flags::of("--name flag");
        let none = Flags::default();
        let table = [
            (None, vec![], &none, ("keepline", "default".to_owned())),
            (Some(&*path), vec![], &none, ("file", format!("{} line 3", path.display()))),
            (Some(&*path), environment.clone(), &none, ("environment", "KEEPLINE_SERVER__NAME".to_owned())),
            (Some(&*path), environment, &flags, ("flag", "--name".to_owned())),
        ];
        for (path, environment, flags, expected) in table {
            let effective = Effective::of(path, environment.into_iter(), flags).unwrap();
            assert_eq!(name_of(&effective), expected);
            assert_eq!(effective.settings.server.name, expected.0);
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_all_of_it() {
        let (_folder, path) = written(
            "[listen]\nhtpp = \"127.0.0.1:1\"\ntcp = 7\nhttp = \"here\"\n[limit]\npace = 3\n[limits]\nsilence = \"1m\"\n",
        );
        let environment = variables(&[("KEEPLINE_STORE__DATTA", "x"), ("KEEPLINE_STORE__MEMORY", "maybe")]);
        let problems = Effective::of(Some(&path), environment.into_iter(), &Flags::default()).unwrap_err();
        let file = path.display();
        let said = problems.to_string();
        for line in [
            format!("{file} line 2: there is no key listen.htpp; did you mean listen.http?"),
            format!("{file} line 3: listen.tcp is a text, in quotes, and not an integer"),
            format!("{file} line 4: listen.http = \"here\": write an IP address and a port, as 127.0.0.1:8083"),
            format!("{file} line 5: there is no section limit; did you mean limits?"),
            format!("{file} line 8: there is no key limits.silence; did you mean liveness.silence?"),
            "KEEPLINE_STORE__DATTA: there is no key store.datta; did you mean store.data, KEEPLINE_STORE__DATA?".into(),
            "KEEPLINE_STORE__MEMORY: store.memory = \"maybe\": write true or false".into(),
        ] {
            assert!(said.lines().any(|said| said == line), "no {line:?} in:\n{said}");
        }
        assert_eq!(said.lines().count(), 7, "{said}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_with_its_line() {
        let (_folder, path) = written("[server]\nname = \"a\nx = 1\n");
        let said = Effective::of_file(&path).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{} line 2: ", path.display())), "{said}");
        let missing = path.with_file_name("none.toml");
        let said = Effective::of_file(&missing).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{}: ", missing.display())), "{said}");
    }

    #[test]
    fn a_running_server_takes_what_can_change_and_keeps_the_rest() {
        let of = |text: &str| Effective::of_file(&written(text).1).unwrap();
        let running = of("[limits]\npace = 7\n[server]\nname = \"one\"\n[listen.tls]\ncert = \"a\"\nkey = \"b\"\n");
        let taken = running.taking(&of("[limits]\naccepts = \"off\"\n[server]\nname = \"two\"\n[log]\nrate = 3\n"));
        let shown: Vec<_> = taken.chosen().iter().filter(|one| !one.text.is_empty()).collect();
        let text = |name: &str| shown.iter().find(|one| one.key.name == name).map_or("", |one| one.text.as_str());
        let table = [
            ("limits.pace", ""),
            ("limits.accepts", "off"),
            ("log.rate", "3"),
            ("server.name", "one"),
            ("listen.tls.cert", "a"),
        ];
        for (name, expected) in table {
            assert_eq!(text(name), expected, "{name}");
        }
        let config = taken.settings.server();
        assert_eq!((config.guard.accepts, config.name.as_str(), config.tls.is_some()), (None, "one", true));
        assert_eq!(config.pace, keepline_server::Config::default().pace);
        let renamed = running.taking(&of("[listen.tls]\ncert = \"c\"\nkey = \"b\"\n"));
        assert_eq!(renamed.settings.listen.tls.cert.as_deref(), Some(Path::new("c")), "from one file to another");
    }

    #[test]
    fn the_sample_is_the_defaults() {
        let (_folder, path) = written(&sample());
        let effective = Effective::of_file(&path).unwrap();
        for chosen in effective.chosen() {
            assert_eq!(chosen.text, chosen.key.default, "{}", chosen.key.name);
            let in_file = matches!(chosen.place, Place::File { .. });
            assert_eq!(in_file, !chosen.key.default.is_empty(), "{}: {}", chosen.key.name, chosen.place);
        }
    }

    #[test]
    fn a_secret_is_neither_shown_nor_read_from_a_file_that_others_can_read() {
        let (_folder, path) = written("[admin]\ntoken = \"canary-canary-canary-canary-canary\"\n");
        let mode = |mode| {
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
            Effective::of_file(&path)
        };
        let refused = mode(0o640).unwrap_err().to_string();
        assert!(refused.contains("admin.token is a secret, and others can read this file: chmod 600"), "{refused}");
        let effective = mode(0o600).unwrap();
        let shown: Vec<_> = effective.chosen().iter().map(Chosen::shown).collect();
        assert!(shown.contains(&"***") && !format!("{effective:?}{shown:?}").contains("canary"));
        let short = variables(&[("KEEPLINE_ADMIN__TOKEN", "canary")]);
        let refused = Effective::of(None, short.into_iter(), &Flags::default()).unwrap_err().to_string();
        assert!(refused.starts_with("KEEPLINE_ADMIN__TOKEN: admin.token = \"***\": "), "{refused}");
    }
}
