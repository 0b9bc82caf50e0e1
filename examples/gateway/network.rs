//! Where functions may reach: `--untrusted-lua-network`.

use std::net::SocketAddr;

use tower_lua::{Network, NetworkRule};

/// Addresses that belong to no network but the link, cloud metadata among them.
const LINK_LOCAL: [&str; 2] = ["169.254.0.0/16", "fe80::/10"];

/// What the flag's `rules` say: `off`, `any`, or addresses, those that are not to be reached with `!`
/// before them. Without any, all but link-local addresses. The Admin API, which listens at `admins`, is
/// never reached, but where `any` says so.
pub(crate) fn network<'a>(
    rules: impl Iterator<Item = &'a str>,
    admins: &[SocketAddr],
) -> Result<Network, tower_lua::Error> {
    let rules: Vec<_> = rules.collect();
    let network = match rules[..] {
        ["off"] => return Ok(Network::off()),
        ["any"] => return Ok(Network::any()),
        [] => LINK_LOCAL.iter().try_fold(Network::any(), |network, rule| {
            Ok::<_, tower_lua::Error>(network.deny(rule.parse()?))
        })?,
        _ => {
            let denies_only = rules.iter().all(|rule| rule.starts_with('!'));
            let start = if denies_only { Network::any() } else { Network::off() };
            rules.iter().try_fold(start, |network, text| match text.strip_prefix('!') {
                Some(rule) => Ok::<_, tower_lua::Error>(network.deny(rule.parse()?)),
                None => Ok(network.allow(text.parse::<NetworkRule>()?)),
            })?
        }
    };
    Ok(admins.iter().copied().fold(network, Network::deny_listener))
}
