//! Whose request it is. A forwarded address is believed only from a trusted proxy.

use std::net::IpAddr;

/// An address or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// `10.0.0.0/8`, `::1`, `192.0.2.7`.
    pub fn parse(text: &str) -> Option<Self> {
        let (base, bits) = match text.split_once('/') {
            Some((base, bits)) => (base, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let base: IpAddr = base.trim().parse().ok()?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(longest);
        (bits <= longest).then_some(Self { base, bits })
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                (u32::from(base) & mask) == (u32::from(address) & mask)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                (u128::from(base) & mask) == (u128::from(address) & mask)
            }
            _ => false,
        }
    }
}

/// From the right, the first address that is no trusted proxy. What stands left of it, anybody may have written.
pub fn client(peer: IpAddr, forwarded: Option<&str>, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
    let mut client = peer.to_canonical();
    for hop in forwarded.unwrap_or_default().rsplit(',') {
        if !is_trusted(client) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let trusted = [Network::parse("10.0.0.0/8").unwrap(), Network::parse("::1").unwrap()];
        assert_eq!(client(ip("203.0.113.9"), Some("1.2.3.4"), &trusted), ip("203.0.113.9"));
        assert_eq!(client(ip("10.1.2.3"), Some("1.2.3.4"), &trusted), ip("1.2.3.4"));
        assert_eq!(client(ip("10.1.2.3"), Some("6.6.6.6, 1.2.3.4, 10.9.9.9"), &trusted), ip("1.2.3.4"));
        assert_eq!(client(ip("10.1.2.3"), Some("nonsense"), &trusted), ip("10.1.2.3"));
        assert_eq!(client(ip("::1"), None, &trusted), ip("::1"));
        assert_eq!(client(ip("10.1.2.3"), Some("1.2.3.4"), &[]), ip("10.1.2.3"));
        assert_eq!(Network::parse("10.0.0.0/33"), None);
    }
}
