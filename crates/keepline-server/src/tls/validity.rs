//! Validity: from when until when a certificate is taken by clients, and how it stands with it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};

/// A certificate that is not renewed by then is forgotten: what renews by itself does so at 30 days.
pub const SOON: Duration = Duration::from_secs(14 * 24 * 3600);

/// Of a chain: the time in which all its certificates are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "two times")]
pub struct Validity {
    /// The first second of it.
    pub not_before: SystemTime,
    /// The last.
    pub not_after: SystemTime,
}

/// How a certificate stands at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "before, in, at the end of, and after its time")]
pub enum Standing {
    /// No client takes it before so long.
    NotYet(Duration),
    /// Valid for so long.
    Good(Duration),
    /// Valid for so long, which is at most [`SOON`].
    EndsSoon(Duration),
    /// No client takes it, since so long.
    Expired(Duration),
}

impl Validity {
    /// Of this chain; `None` if it is empty, or the dates of one of it can't be read.
    #[must_use]
    pub fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let each: Option<Vec<Self>> = chain.iter().map(Self::of_one).collect();
        let all = |one: Self, other: Self| Self {
            not_before: one.not_before.max(other.not_before),
            not_after: one.not_after.min(other.not_after),
        };
        each?.into_iter().reduce(all)
    }

    /// A verifier looks at the dates first, and names the one that is in its way: asked for the first second there is,
    /// and for the last, it names both.
    fn of_one(certificate: &CertificateDer<'_>) -> Option<Self> {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        let refused_at = |time: UnixTime| {
            let nobody = RootCertStore::empty();
            match verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], time, &[]) {
                Err(Error::InvalidCertificate(why)) => Some(why),
                _ => None,
            }
        };
        let at = |time: UnixTime| UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
        let not_before = match refused_at(UnixTime::since_unix_epoch(Duration::ZERO))? {
            CertificateError::NotValidYetContext { not_before, .. } => at(not_before)?,
            // From the very first second.
            _ => UNIX_EPOCH,
        };
        let CertificateError::ExpiredContext { not_after, .. } = refused_at(UnixTime::since_unix_epoch(LAST))? else {
            return None;
        };
        Some(Self { not_before, not_after: at(not_after)? })
    }

    /// How it stands.
    #[must_use]
    pub fn at(&self, now: SystemTime) -> Standing {
        let from_to = |from: SystemTime, to: SystemTime| to.duration_since(from).ok();
        if let Some(until) = from_to(now, self.not_before).filter(|until| !until.is_zero()) {
            return Standing::NotYet(until);
        }
        match from_to(now, self.not_after) {
            Some(left) if left > SOON => Standing::Good(left),
            Some(left) => Standing::EndsSoon(left),
            None => Standing::Expired(from_to(self.not_after, now).unwrap_or_default()),
        }
    }
}

/// A second behind all that a date of a certificate can say, which ends with the year 9999 (RFC 5280, 4.1.2.5).
const LAST: Duration = Duration::from_secs(253_402_300_800);

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn certificate(from: (i32, u8, u8), to: (i32, u8, u8), is_authority: bool) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(to.0, to.1, to.2);
        if is_authority {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn second(secs: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(secs)
    }

    #[test]
    fn the_dates_of_a_chain_are_those_that_all_of_it_has() {
        // 2026-01-01, 2026-07-01, 2027-01-01, 2050-01-01.
        let [a, b, c, d] = [1_767_225_600, 1_782_864_000, 1_798_761_600, 2_524_608_000].map(second);
        let mine = certificate((2026, 1, 1), (2027, 1, 1), false);
        let above = certificate((2026, 7, 1), (2050, 1, 1), true);
        let of = |chain: &[&CertificateDer<'static>]| {
            Validity::of(&chain.iter().map(|one| (*one).clone()).collect::<Vec<_>>())
        };
        assert_eq!(of(&[&mine]), Some(Validity { not_before: a, not_after: c }));
        assert_eq!(of(&[&above]), Some(Validity { not_before: b, not_after: d }), "one that is an authority too");
        assert_eq!(of(&[&mine, &above]), Some(Validity { not_before: b, not_after: c }));
        let ever = certificate((1970, 1, 1), (9999, 12, 31), false);
        assert_eq!(of(&[&ever]), Some(Validity { not_before: UNIX_EPOCH, not_after: second(253_402_214_400) }));
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[&mine, &CertificateDer::from(vec![0x30, 0])]), None);
    }

    #[test]
    fn it_stands_by_the_second() {
        let (begin, second_long) = (second(1_000_000_000), Duration::from_secs(1));
        let validity = Validity { not_before: begin, not_after: begin + DAY * 90 };
        let table = [
            (begin - second_long, Standing::NotYet(second_long)),
            (begin, Standing::Good(DAY * 90)),
            (begin + DAY * 76 - second_long, Standing::Good(DAY * 14 + second_long)),
            (begin + DAY * 76, Standing::EndsSoon(DAY * 14)),
            (begin + DAY * 90, Standing::EndsSoon(Duration::ZERO)),
            (begin + DAY * 90 + second_long, Standing::Expired(second_long)),
        ];
        for (now, expected) in table {
            assert_eq!(validity.at(now), expected, "{now:?}");
        }
    }
}
