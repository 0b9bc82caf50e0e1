//! Which addresses functions may reach.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ipnet::IpNet;

use crate::error::Error;

/// Which addresses the sockets of functions may reach.
///
/// Rules are about addresses, never about names: they are applied to what a name has been resolved to,
/// just before the connection is made. What an allowing rule matches and no denying rule matches may
/// be reached. IPv6 addresses that stand for IPv4 ones (mapped, compatible, 6to4, NAT64) are judged as
/// those, too, and the unspecified address as the loopback address that it leads to.
///
/// ```
/// use tower_lua::{Network, Runtime, Sandbox};
///
/// let network = Network::off()
///     .allow("10.20.0.0/16:443".parse()?)
///     .allow("unix:/run/redis/".parse()?)
///     .deny("10.20.0.1".parse()?);
/// let runtime = Runtime::builder().sandbox(Sandbox::default().network(network)).build()?;
/// # Ok::<(), tower_lua::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Network {
    allowed: Vec<NetworkRule>,
    denied: Vec<NetworkRule>,
    listeners: Vec<SocketAddr>,
}

/// Some addresses and ports, or files of Unix domain sockets.
///
/// It is written as an address or CIDR block, `*` for any, with a port or a range of ports behind it
/// or not: `192.0.2.7`, `10.0.0.0/8:80-90`, `[2001:db8::/32]:443`, `*:53`. A Unix domain socket is
/// `unix:` and its path; a path that ends in `/` stands for all below it, and `unix:*` for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRule(Subject);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    /// `None` is any address.
    Addresses(Option<IpNet>, RangeInclusive<u16>),
    /// `None` is any file.
    Unix(Option<PathBuf>),
}

impl Network {
    /// No address at all, until rules allow some: the library's default.
    pub fn off() -> Self {
        Self::default()
    }

    /// Any address and any Unix domain socket, but for those that rules deny.
    pub fn any() -> Self {
        let addresses = Subject::Addresses(None, 0..=u16::MAX);
        Self {
            allowed: vec![NetworkRule(addresses), NetworkRule(Subject::Unix(None))],
            ..Self::default()
        }
    }

    /// Lets functions reach what `rule` matches.
    pub fn allow(mut self, rule: NetworkRule) -> Self {
        self.allowed.push(rule);
        self
    }

    /// Keeps functions from what `rule` matches, whatever else is allowed.
    pub fn deny(mut self, rule: NetworkRule) -> Self {
        self.denied.push(rule);
        self
    }

    /// Keeps functions from a listener of this machine, by whatever address it may be reached: where
    /// it listens on the unspecified address, that is its port on each address that the machine has.
    ///
    /// ```
    /// use tower_lua::Network;
    ///
    /// let network = Network::any().deny_listener("0.0.0.0:8001".parse()?);
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn deny_listener(mut self, address: SocketAddr) -> Self {
        self.listeners.push(address);
        self
    }

    /// Whether functions may reach anything.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.allowed.is_empty()
    }

    /// Whether functions may reach `address`.
    pub(crate) fn admits(&self, address: SocketAddr) -> bool {
        let (ip, port) = (effective(address.ip()), address.port());
        let denies = |ip| self.denied.iter().any(|rule| rule.matches(ip, port));
        self.allowed.iter().any(|rule| rule.matches(ip, port))
            && !denies(ip)
            && !embedded(ip).is_some_and(denies)
            && !self.listeners.iter().any(|listener| is_reached(*listener, ip, port))
    }

    /// Whether functions may reach the Unix domain socket at `path`.
    pub(crate) fn admits_unix(&self, path: &Path) -> bool {
        // Where links lead to is what counts; what does not exist leads nowhere.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let any = |rules: &[NetworkRule]| rules.iter().any(|rule| rule.matches_unix(&path));
        any(&self.allowed) && !any(&self.denied)
    }
}

impl NetworkRule {
    fn matches(&self, ip: IpAddr, port: u16) -> bool {
        match &self.0 {
            Subject::Addresses(network, ports) => {
                network.is_none_or(|network| network.contains(&ip)) && ports.contains(&port)
            }
            Subject::Unix(_) => false,
        }
    }

    fn matches_unix(&self, path: &Path) -> bool {
        match &self.0 {
            Subject::Unix(None) => true,
            Subject::Unix(Some(own)) => {
                let is_folder = own.as_os_str().as_encoded_bytes().ends_with(b"/");
                if is_folder { path.starts_with(own) } else { path == own }
            }
            Subject::Addresses(..) => false,
        }
    }
}

impl FromStr for NetworkRule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::config(format!(
                "'{text}' is no rule for the network: expected an address, CIDR block or '*', with \
                 ':port' or ':port-port' or without, or 'unix:' and a path"
            ))
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = (path != "*").then(|| PathBuf::from(path));
            return match path {
                Some(path) if !path.is_absolute() => Err(wrong()),
                path => Ok(Self(Subject::Unix(path))),
            };
        }
        let (network, ports) = split(text).ok_or_else(wrong)?;
        let network = match network {
            "*" => None,
            network => Some(block(network).ok_or_else(wrong)?),
        };
        let ports = match ports {
            None => 0..=u16::MAX,
            Some(ports) => range(ports).ok_or_else(wrong)?,
        };
        Ok(Self(Subject::Addresses(network, ports)))
    }
}

/// The network, and the ports behind its colon.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(text) = text.strip_prefix('[') {
        let (network, rest) = text.split_once(']')?;
        return match rest {
            "" => Some((network, None)),
            rest => Some((network, Some(rest.strip_prefix(':')?))),
        };
    }
    match text.split_once(':') {
        Some((network, ports)) if !ports.contains(':') => Some((network, Some(ports))),
        // Several colons are an IPv6 address without brackets.
        _ => Some((text, None)),
    }
}

fn block(text: &str) -> Option<IpNet> {
    let block = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    // Addresses are judged in their IPv4 form where they have one.
    match block {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.network().to_canonical() {
            IpAddr::V4(v4) => IpNet::new(v4.into(), v6.prefix_len() - 96).ok(),
            IpAddr::V6(_) => Some(block),
        },
        _ => Some(block),
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some(first..=last)
}

/// Where a connection to `ip` goes.
fn effective(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(v6) if v6.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// The IPv4 address that an IPv6 address carries for a translator to use: IPv4-compatible (RFC 4291),
/// 6to4 (RFC 3056), NAT64 (RFC 6052).
fn embedded(ip: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(ip) = ip else { return None };
    let pair = |high: u16, low: u16| {
        let bits = u32::from(high) << 16 | u32::from(low);
        Some(effective(Ipv4Addr::from_bits(bits).into()))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => pair(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => pair(high, low),
        [0x2002, high, low, ..] => pair(high, low),
        _ => None,
    }
}

/// Whether a connection to `ip` and `port` reaches `listener`.
fn is_reached(listener: SocketAddr, ip: IpAddr, port: u16) -> bool {
    if port != listener.port() {
        return false;
    }
    let own = listener.ip().to_canonical();
    // A socket can be bound to an address that is the machine's own, and to no other.
    own == ip && !own.is_unspecified()
        || own.is_unspecified() && (ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok())
}

impl fmt::Display for NetworkRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Subject::Unix(None) => f.write_str("unix:*"),
            Subject::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Subject::Addresses(network, ports) => {
                match network {
                    None => f.write_str("*")?,
                    Some(IpNet::V6(v6)) => write!(f, "[{v6}]")?,
                    Some(IpNet::V4(v4)) => write!(f, "{v4}")?,
                }
                match (*ports.start(), *ports.end()) {
                    (0, u16::MAX) => Ok(()),
                    (first, last) if first == last => write!(f, ":{first}"),
                    (first, last) => write!(f, ":{first}-{last}"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(allow: &[&str], deny: &[&str]) -> Network {
        let parse = |rule: &&str| rule.parse::<NetworkRule>().expect("a rule");
        let network = allow.iter().map(parse).fold(Network::off(), Network::allow);
        deny.iter().map(parse).fold(network, Network::deny)
    }

    fn admits(network: &Network, address: &str) -> bool {
        network.admits(address.parse().expect("an address"))
    }

    #[test]
    fn nothing_is_reached_that_no_rule_allows() {
        assert!(!admits(&Network::off(), "192.0.2.1:80"));
        let some = network(&["10.0.0.0/8:80-90", "[2001:db8::/32]:443"], &["10.1.0.0/16"]);
        assert!(admits(&some, "10.0.0.1:85") && admits(&some, "[2001:db8::7]:443"));
        assert!(!admits(&some, "10.0.0.1:91") && !admits(&some, "10.1.0.1:85"));
        assert!(!admits(&some, "[2001:db9::7]:443"));
    }

    #[test]
    fn other_spellings_of_a_denied_address_are_denied() {
        let network = network(&["*"], &["127.0.0.0/8", "169.254.0.0/16", "::1"]);
        let spellings = [
            "127.0.0.1:80",
            "127.9.9.9:80",
            "0.0.0.0:80",
            "[::]:80",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
            "[::ffff:0.0.0.0]:80",
            "[::127.0.0.1]:80",
            "[64:ff9b::169.254.169.254]:80",
            "[2002:a9fe:a9fe::1]:80",
        ];
        for spelling in spellings {
            assert!(!admits(&network, spelling), "{spelling}");
        }
        assert!(admits(&network, "[2001:db8::1]:80") && admits(&network, "192.0.2.1:80"));
    }

    #[test]
    fn a_listener_is_denied_by_each_address_of_the_machine() {
        let network = Network::any().deny_listener("0.0.0.0:8001".parse().expect("an address"));
        assert!(!admits(&network, "127.0.0.1:8001") && !admits(&network, "127.5.5.5:8001"));
        assert!(!admits(&network, "[::1]:8001") && !admits(&network, "0.0.0.0:8001"));
        assert!(admits(&network, "127.0.0.1:8000") && admits(&network, "192.0.2.1:8001"));
    }

    #[test]
    fn unix_sockets_are_named_by_file_or_folder() {
        let network = network(&["unix:/run/redis/", "unix:/run/a.sock"], &["unix:/run/redis/b"]);
        let admits = |path: &str| network.admits_unix(Path::new(path));
        assert!(admits("/run/redis/a") && admits("/run/a.sock"));
        assert!(!admits("/run/redis/b") && !admits("/run/a.sock.old") && !admits("/run/b"));
        assert!(Network::any().admits_unix(Path::new("/tmp/x")));
    }

    #[test]
    fn rules_are_shown_as_they_are_written() {
        let rules = [
            "*",
            "*:53",
            "10.0.0.0/8:80-90",
            "[fe80::/10]:443",
            "[::1/128]",
            "unix:/run/",
            "unix:*",
        ];
        for rule in rules {
            let parsed: NetworkRule = rule.parse().expect("a rule");
            assert_eq!(parsed.to_string(), rule);
        }
        for wrong in
            ["", "localhost", "10.0.0.0/33", "1.2.3.4:x", "1.2.3.4:9-8", "unix:run", "[::1"]
        {
            assert!(wrong.parse::<NetworkRule>().is_err(), "{wrong}");
        }
    }
}
