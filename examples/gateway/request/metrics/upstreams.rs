//! How the targets of upstreams are.

use std::sync::Arc;

use super::family::{Family, Kind, labels};
use crate::in_force::balancer::{Balancer, Member, Peer};
use crate::in_force::snapshot::Snapshot;

const NAME: &str = "kong_upstream_target_health";

/// How a target can be, in Kong's words.
const STATES: [&str; 4] = ["healthchecks_off", "healthy", "unhealthy", "dns_error"];

/// Says of each target, and of each of its addresses, how it is: 1 for that state, 0 for the others.
pub(super) fn family(snapshot: &Snapshot) -> Family {
    let mut family = Family::new(NAME, Kind::Gauge, "Health of the targets of upstreams");
    let mut balancers: Vec<_> = snapshot.balancers().iter().collect();
    balancers.sort_unstable_by_key(|(name, _)| *name);
    for (upstream, balancer) in balancers {
        for member in balancer.members() {
            for (address, state) in states(balancer, member) {
                for known in STATES {
                    let labels = labels(&[
                        ("upstream", upstream),
                        ("target", &member.target),
                        ("address", &address),
                        ("state", known),
                        ("subsystem", "http"),
                    ]);
                    family.number(labels, f64::from(u8::from(known == state)));
                }
            }
        }
    }
    family
}

/// The addresses of a target, and how each is.
fn states(balancer: &Balancer, member: &Member) -> Vec<(String, &'static str)> {
    let peers = member.peers();
    if peers.is_empty() {
        return vec![(String::new(), "dns_error")];
    }
    let state = |is_well| match (balancer.is_checked(), is_well) {
        (false, _) => "healthchecks_off",
        (true, true) => "healthy",
        (true, false) => "unhealthy",
    };
    let of = |peer: &Arc<Peer>| (peer.addr.to_string(), state(peer.health.is_well()));
    peers.iter().map(of).collect()
}
