//! Flags of the benchmarks of chat: under which limits the IM server runs, where its data are, and its TLS.

use std::{env, path::PathBuf};

use clap::Args;

use super::terms::TermArgs;
use crate::bench::{
    Error,
    chat::{Brand, secure::Secure, stage::Stage},
};
use crate::limits::Limits;

/// The IM server that is measured.
#[derive(Debug, Args)]
pub(super) struct HostArgs {
    /// Limits of our own server [default: bench]: `bench` has those opened that hold a benchmark back (how much a client
    /// may send, and what a password's hash costs); several are measured in interleaved rounds.
    #[arg(long, value_enum, value_delimiter = ',')]
    limits: Vec<Limits>,
    /// The folder in which each server keeps its data, in a folder of its own that is removed afterwards; must be on a
    /// real disk where syncs are measured [default: that of this program].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// TLS between the measured server and its clients.
#[derive(Debug, Args)]
pub(super) struct TlsArgs {
    /// Measure over TLS, with this certificate (PEM, for `localhost`, and its own authority); each handshake is a whole
    /// one.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl HostArgs {
    /// Whether any of these flags was given.
    pub(super) const fn is_given(&self) -> bool {
        !self.limits.is_empty() || self.data.is_some()
    }

    /// The servers, ours before the brokers, and where they run.
    ///
    /// # Errors
    /// [`Error::Usage`] for one that is named twice.
    pub(super) fn stage(&self, brokers: impl IntoIterator<Item = Brand>, terms: &TermArgs) -> Result<Stage, Error> {
        let limits = if self.limits.is_empty() { &[Limits::Bench][..] } else { &self.limits };
        let mut brands: Vec<Brand> = Vec::new();
        for brand in limits.iter().copied().map(Brand::Keepline).chain(brokers) {
            if brands.contains(&brand) {
                return Err(Error::Usage(format!("{} is named twice", brand.label())));
            }
            brands.push(brand);
        }
        let disk = match &self.data {
            Some(folder) => folder.clone(),
            None => beside_the_program()?,
        };
        let (rounds, deadline, pin) = (terms.rounds(1), terms.deadline(), terms.pin()?);
        Ok(Stage { brands, rounds, deadline, pin, disk, secure: None })
    }
}

impl TlsArgs {
    /// Whether any of these flags was given.
    pub(super) const fn is_given(&self) -> bool {
        self.tls_cert.is_some()
    }

    /// The stage, with TLS if it was asked for.
    ///
    /// # Errors
    /// [`Error::Usage`] for files that are no certificate.
    pub(super) fn over(&self, stage: Stage) -> Result<Stage, Error> {
        let files = self.tls_cert.clone().zip(self.tls_key.clone());
        let secure = files.map(|(certificate, key)| Secure::of_files(certificate, key)).transpose()?;
        Ok(Stage { secure, ..stage })
    }
}

/// The folder of this program's file: a build folder as a rule, and on a disk, which a folder for temporary files may
/// not be.
fn beside_the_program() -> Result<PathBuf, Error> {
    let program = env::current_exe().map_err(|error| Error::io("the file of this program is unknown", error))?;
    Ok(program.parent().map(PathBuf::from).unwrap_or_default())
}
