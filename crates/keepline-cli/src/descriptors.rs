//! Descriptors: a line is one, so a server takes as many as it may have.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Takes as many as the system lets this process have.
pub(crate) fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Refused, the limit is what it was, and the server takes fewer lines.
    let _ = setrlimit(Resource::Nofile, limit);
}
