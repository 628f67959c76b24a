//! Room: how many connections each listener takes, so that together they never meet the limit of open files.
//!
//! ```text
//! limit of open files = 256 for everything else + HTTP's bounds + long connections
//! ```

use keepline::serve::SPARE_DESCRIPTORS as SPARE;

/// The least that is left for connections.
const LEAST: u64 = 64;
/// HTTP has no more than this part of it: a quarter.
const HTTP_PART: u64 = 4;
/// The least that an HTTP listener takes.
const LEAST_HTTP: u64 = 4;

/// What each HTTP listener takes where there is enough.
const PUBLIC: u64 = 1024;
const CIM_PUSH: u64 = 256;
const ADMIN: u64 = 64;

/// How many connections each listener takes at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Room {
    /// The limit of open files that this is a part of.
    pub descriptors: u64,
    /// Long connections; further ones are turned away.
    pub lines: usize,
    /// Of the public HTTP listener; further ones wait in its backlog, as on the two below.
    pub http: usize,
    /// Of cim's `/sendMsg`; 0 where it is not served.
    pub cim_http: usize,
    /// Of the admin listener; 0 where there is none.
    pub admin: usize,
}

/// Which HTTP listeners there are, beside the public one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listeners {
    pub(crate) cim_http: bool,
    pub(crate) admin: bool,
}

/// Why the limit of open files is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoRoom {
    /// Nothing could be served.
    #[error(
        "only {descriptors} files may be open at one time, of which {SPARE} are not for connections: raise that limit \
         (ulimit -n) to at least {needed}"
    )]
    Descriptors {
        /// The limit of open files.
        descriptors: u64,
        /// What it must be at least.
        needed: u64,
    },
    /// More long connections were asked for than fit beside the rest.
    #[error(
        "{lines} long connections, {http} of HTTP and {SPARE} other files are more than the {descriptors} that may be \
         open at one time: allow at most {most} long connections (--max-connections), or raise that limit (ulimit -n) \
         to at least {needed}"
    )]
    Lines {
        /// What was asked for.
        lines: u64,
        /// What HTTP takes.
        http: u64,
        /// The limit of open files.
        descriptors: u64,
        /// The most long connections under this limit.
        most: u64,
        /// The limit that is enough for what was asked for.
        needed: u64,
    },
    /// Nobody could connect.
    #[error("0 long connections would refuse everybody: allow at least 1 (--max-connections)")]
    NoLines,
}

impl Room {
    /// Shares a limit of open files out: `lines` of them for long connections, or what is left beside HTTP.
    ///
    /// # Errors
    /// See [`NoRoom`].
    pub(crate) fn share(descriptors: u64, lines: Option<usize>, listeners: Listeners) -> Result<Self, NoRoom> {
        let free = descriptors.saturating_sub(SPARE);
        if free < LEAST {
            return Err(NoRoom::Descriptors { descriptors, needed: SPARE + LEAST });
        }
        let http = Http::within(free, listeners);
        let most = free - http.total();
        let lines = match lines.map(|lines| lines as u64) {
            None => most,
            Some(0) => return Err(NoRoom::NoLines),
            Some(lines) if lines > most => {
                let needed = needed(lines, listeners);
                return Err(NoRoom::Lines { lines, http: http.total(), descriptors, most, needed });
            }
            Some(lines) => lines,
        };
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let Http { public, cim_push, admin } = http;
        Ok(Self {
            descriptors,
            lines: count(lines),
            http: count(public),
            cim_http: count(cim_push),
            admin: count(admin),
        })
    }
}

/// What the HTTP listeners take.
struct Http {
    public: u64,
    cim_push: u64,
    admin: u64,
}

impl Http {
    /// All that they would take, or in proportion what fits in their part.
    fn within(free: u64, listeners: Listeners) -> Self {
        let all = Self {
            public: PUBLIC,
            cim_push: if listeners.cim_http { CIM_PUSH } else { 0 },
            admin: if listeners.admin { ADMIN } else { 0 },
        };
        let (whole, part) = (all.total(), all.total().min(free / HTTP_PART));
        let share = |bound: u64| (bound * part / whole).max(LEAST_HTTP).min(bound);
        Self { public: share(all.public), cim_push: share(all.cim_push), admin: share(all.admin) }
    }

    const fn total(&self) -> u64 {
        self.public + self.cim_push + self.admin
    }
}

/// A limit of open files that is enough for so many long connections.
fn needed(lines: u64, listeners: Listeners) -> u64 {
    // Enough for HTTP's whole bounds; or, where those shrink, so that three quarters are for the lines.
    let whole = lines.saturating_add(Http::within(u64::MAX, listeners).total());
    let shrunk = lines.saturating_add(lines / (HTTP_PART - 1)).saturating_add(HTTP_PART * LEAST_HTTP);
    SPARE.saturating_add(whole.min(shrunk).max(LEAST))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Listeners = Listeners { cim_http: true, admin: true };
    const PUBLIC_ONLY: Listeners = Listeners { cim_http: false, admin: false };

    #[test]
    fn the_lines_have_what_http_and_the_spare_leave() {
        let table = [
            (1_000_000, ALL, (998_400, 1024, 256, 64)),
            (20_000, ALL, (18_400, 1024, 256, 64)),
            (20_000, PUBLIC_ONLY, (18_720, 1024, 0, 0)),
            (1024, ALL, (577, 146, 36, 9)),
            (512, ALL, (192, 48, 12, 4)),
            (320, ALL, (44, 12, 4, 4)),
        ];
        for (limit, listeners, (lines, http, cim_http, admin)) in table {
            let expected = Room { descriptors: limit, lines, http, cim_http, admin };
            assert_eq!(Room::share(limit, None, listeners), Ok(expected), "{limit}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_numbers_and_what_to_change() {
        let table = [
            (
                319,
                None,
                "only 319 files may be open at one time, of which 256 are not for connections: raise that limit \
                 (ulimit -n) to at least 320",
            ),
            (
                20_000,
                Some(19_744),
                "19744 long connections, 1344 of HTTP and 256 other files are more than the 20000 that may be open at \
                 one time: allow at most 18400 long connections (--max-connections), or raise that limit (ulimit -n) \
                 to at least 21344",
            ),
            (20_000, Some(0), "0 long connections would refuse everybody: allow at least 1 (--max-connections)"),
        ];
        for (limit, lines, said) in table {
            assert_eq!(Room::share(limit, lines, ALL).unwrap_err().to_string(), said);
        }
    }

    proptest! {
        #[test]
        fn all_bounds_together_fit_and_the_advice_works(
            limit in 0..2_000_000_u64, lines in prop::option::of(0..2_000_000_usize), cim_http: bool, admin: bool,
        ) {
            let listeners = Listeners { cim_http, admin };
            match Room::share(limit, lines, listeners) {
                Ok(room) => {
                    let all = [room.lines, room.http, room.cim_http, room.admin].map(|bound| bound as u64);
                    prop_assert!(all.iter().sum::<u64>() + SPARE <= limit);
                    prop_assert!(room.lines > 0 && room.http > 0);
                    prop_assert_eq!((room.cim_http > 0, room.admin > 0), (cim_http, admin));
                }
                Err(NoRoom::Descriptors { needed, .. }) => {
                    prop_assert!(Room::share(needed, None, listeners).is_ok());
                }
                Err(NoRoom::Lines { most, needed, .. }) => {
                    prop_assert!(Room::share(limit, usize::try_from(most).ok(), listeners).is_ok());
                    prop_assert!(Room::share(limit, usize::try_from(most + 1).ok(), listeners).is_err());
                    prop_assert!(Room::share(needed, lines, listeners).is_ok());
                }
                Err(NoRoom::NoLines) => prop_assert_eq!(lines, Some(0)),
            }
        }
    }
}
