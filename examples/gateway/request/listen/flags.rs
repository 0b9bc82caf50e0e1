//! `proxy_listen`: addresses, and what nginx's flags say of each.

use std::net::SocketAddr;

use crate::BoxError;

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// As the operator has written it.
    pub(crate) text: String,
    pub(crate) tls: bool,
    pub(crate) http2: bool,
    /// How many connections may wait to be accepted.
    pub(crate) backlog: u32,
}

/// Reads a list as Kong has it: `0.0.0.0:8000, 0.0.0.0:8443 http2 ssl reuseport backlog=16384`.
///
/// # Errors
///
/// When a flag is unknown.
pub(crate) fn addresses(list: &str) -> Result<Vec<Address>, BoxError> {
    let mut addresses = Vec::new();
    for entry in list.split(',').map(str::trim) {
        let mut words = entry.split_whitespace();
        let Some(text) = words.next().filter(|text| *text != "off") else { continue };
        let text = text.to_owned();
        let mut address = Address { text, tls: false, http2: false, backlog: 16384 };
        for flag in words {
            match flag {
                "ssl" => address.tls = true,
                "http2" => address.http2 = true,
                // Each worker has a socket of its own anyway, and the rest is how sockets are here.
                "reuseport" | "deferred" | "bind" => {}
                _ => match flag.split_once('=') {
                    Some(("backlog", length)) => {
                        let wrong = |_| format!("'{entry}': '{length}' is not a backlog");
                        address.backlog = length.parse().map_err(wrong)?;
                    }
                    Some(("so_keepalive" | "ipv6only", _)) => {}
                    _ => return Err(format!("'{entry}': unknown flag '{flag}'").into()),
                },
            }
        }
        addresses.push(address);
    }
    Ok(addresses)
}

impl Address {
    /// The address, if it is a number; a name is looked up.
    pub(super) fn resolve(&self) -> Result<SocketAddr, BoxError> {
        use std::net::ToSocketAddrs;

        if let Ok(addr) = self.text.parse() {
            return Ok(addr);
        }
        let mut found = self.text.to_socket_addrs()?;
        found.next().ok_or_else(|| "a name without addresses".into())
    }
}
