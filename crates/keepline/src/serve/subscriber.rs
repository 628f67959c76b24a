//! Subscriber: who counts as one where addresses are counted.

use std::net::{IpAddr, Ipv4Addr};

/// Who counts as one: an IPv4 address, or the first 64 bits of an IPv6 one, of which one subscriber gets them all (RFC
/// 6177). An IPv4 address in IPv6's form counts as the IPv4 address.
///
/// ```
/// use keepline::serve::Subscriber;
///
/// let of = |text: &str| Ok::<_, std::net::AddrParseError>(Subscriber::of(text.parse()?));
/// assert_eq!(of("2001:db8::1")?, of("2001:db8::2")?);
/// assert_eq!(of("::ffff:192.0.2.1")?, of("192.0.2.1")?);
/// assert_ne!(of("192.0.2.1")?, of("192.0.2.2")?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscriber(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    V4(Ipv4Addr),
    V6([u8; 8]),
}

impl Subscriber {
    /// Whose an address is.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(Kind::V4(address)),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self(Kind::V6([a, b, c, d, e, f, g, h]))
            }
        }
    }

    /// Whether it has more than one address.
    pub(super) const fn is_v6(self) -> bool {
        matches!(self.0, Kind::V6(_))
    }
}
