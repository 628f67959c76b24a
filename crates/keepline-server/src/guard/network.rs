//! Network: a block of addresses, as an operator writes it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A block of addresses, in CIDR notation (RFC 4632): `10.0.0.0/8`, `fd00::/8`, or one address.
///
/// ```
/// use keepline_server::guard::Network;
///
/// let office: Network = "10.1.0.0/16".parse()?;
/// assert!(office.contains("10.1.2.3".parse()?) && !office.contains("10.2.0.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a network as 10.0.0.0/8 or fd00::/8, with nothing behind its bits, or an address")]
#[expect(clippy::exhaustive_structs, reason = "it has nothing in it")]
pub struct BadNetwork;

impl Network {
    /// Whether the address is in it. An IPv4 address in IPv6's form is the IPv4 address.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.bits) == bits_of(self.address)
    }
}

/// Whether a peer may speak cim's dialects: it is on this machine, or in one of the networks.
pub(crate) fn may_speak_cim(peer: IpAddr, networks: &[Network]) -> bool {
    peer.to_canonical().is_loopback() || networks.iter().any(|network| network.contains(peer))
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| BadNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| BadNetwork))?;
        // A bit behind the mask is a slip of the pen: it is not known which of the two was meant.
        if bits > most || masked(address, bits) != bits_of(address) {
            return Err(BadNetwork);
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The address's bits, an IPv4 address's at the top.
fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn masked(address: IpAddr, bits: u8) -> u128 {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
    bits_of(address) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_what_begins_with_its_bits() {
        let table = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("10.0.0.0/8", "a00::1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("fd00::/8", "fdff::1", true),
            ("::/0", "10.0.0.1", false),
            ("2001:db8::/33", "2001:db8:8000::1", false),
        ];
        for (network, address, expected) in table {
            let parsed: Network = network.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), expected, "{address} in {network}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed));
        }
        for bad in ["", "10.0.0.0/33", "10.0.0.1/8", "fd00::1/8", "10/8", "10.0.0.0/", "10.0.0.0/-1", "::/129", "x"] {
            assert_eq!(bad.parse::<Network>(), Err(BadNetwork), "{bad:?}");
        }
    }
}
