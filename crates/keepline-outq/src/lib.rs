//! How many bytes of a TCP connection its peer has not acknowledged: one system call that no safe API offers.
//!
//! A crate of its own, so that every other one of the workspace can forbid `unsafe`.

use std::ffi::c_int;
use std::io;
use std::os::fd::AsFd;

use rustix::ioctl::{Opcode, Updater, ioctl};

/// Linux's `SIOCOUTQ`, which is the same number as `TIOCOUTQ`.
const SIOCOUTQ: Opcode = 0x5411;
/// Where `SIOCOUTQ` has the number above: everywhere but on these.
const IS_KNOWN: bool = cfg!(all(
    target_os = "linux",
    not(any(
        target_arch = "mips",
        target_arch = "mips64",
        target_arch = "mips32r6",
        target_arch = "mips64r6",
        target_arch = "powerpc",
        target_arch = "powerpc64",
        target_arch = "sparc",
        target_arch = "sparc64",
    ))
));

/// Bytes that were written to a TCP connection and that the peer's kernel has not acknowledged, sent or not; tcp(7).
///
/// Zero says that the peer's kernel has them all, not that its program has read them. After a reset or a time-out of
/// the kernel the count stays at what was lost.
///
/// # Errors
/// The kernel's, as for a listener; [`Unsupported`](io::ErrorKind::Unsupported) where this crate does not know the
/// call's number, as on any system but Linux.
///
/// # Example
/// ```
/// use std::io::Write;
/// use std::net::{TcpListener, TcpStream};
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let mut ours = TcpStream::connect(listener.local_addr()?)?;
/// ours.write_all(b"hello")?;
/// // The peer's kernel acknowledges soon, whether its program reads or not.
/// while keepline_outq::unacknowledged(&ours)? > 0 {
///     std::thread::yield_now();
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[expect(unsafe_code, reason = "no crate of the tree has a safe call for it")]
pub fn unacknowledged(socket: &impl AsFd) -> io::Result<usize> {
    if !IS_KNOWN {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let mut count: c_int = 0;
    // SAFETY: the kernel writes at most one `int` to the address given, and keeps no reference to it: so does TCP, and
    // so does a terminal, the other thing that answers to this number. A descriptor of another kind refuses it. The
    // `int` is ours, lives until the call returns, and holds a value already, should nothing be written.
    unsafe { ioctl(socket, Updater::<SIOCOUTQ, c_int>::new(&mut count)) }?;
    Ok(usize::try_from(count).unwrap_or_default())
}
