//! How the targets of upstreams are, and who says so.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::Answer;
use super::{Answered, Call, entity, list};
use crate::configured::entities::target::split;
use crate::configured::entities::{Document, Kind};
use crate::configured::problem::Problem;
use crate::in_force::balancer::{Balancer, Member, Peer, Place};

/// `/upstreams/{key}/health`: its targets with how they are; with `?balancer_health=1`, all of it.
pub(super) async fn answer(call: Call<'_>, key: &str) -> Answered {
    let (upstream, balancer) = balancer(&call, key)?;
    balancer.resolve(&call.admin.resolver).await;
    let query = call.head.uri.query().unwrap_or_default();
    let mut answer = if query.split('&').any(|pair| pair == "balancer_health=1") {
        json!({ "data": whole(&balancer), "next": null })
    } else {
        list::targets(&call, &upstream, "health", |document| with_health(document, &balancer))?
    };
    answer["node_id"] = call.admin.runtime.node_id().into();
    Ok(Answer::ok(answer))
}

/// Says that a target, or one of its addresses, is or is not well.
pub(super) async fn mark(
    call: &Call<'_>,
    key: &str,
    target: &str,
    address: Option<&str>,
    is_well: bool,
) -> Answered {
    let (upstream, balancer) = balancer(call, key)?;
    let state = call.admin.database.state();
    let parent = (Kind::Upstreams, upstream.id().to_owned());
    let target = entity::find_in(&state, Kind::Targets, target, Some(&parent))?;
    if !balancer.is_checked() {
        let name = &balancer.upstream().name;
        return Err(Problem::bad_request(format!("no healthchecker found for {name}")));
    }
    balancer.resolve(&call.admin.resolver).await;
    let member = member(&balancer, &target).ok_or_else(Problem::not_found)?;
    let is_meant = |peer: &Arc<Peer>| address.is_none_or(|address| is_at(peer, address));
    let peers: Vec<_> = member.peers().into_iter().filter(is_meant).collect();
    if peers.is_empty() {
        let what = address.unwrap_or(&member.target);
        return Err(Problem::bad_request(format!("target '{what}' has no address that is known")));
    }
    for peer in peers {
        balancer.set(&Place { peer, member: Arc::clone(member) }, is_well);
    }
    Ok(Answer::no_content())
}

/// An upstream, and what is in force of it.
fn balancer(call: &Call<'_>, key: &str) -> Result<(Arc<Document>, Arc<Balancer>), Problem> {
    let document = call.admin.database.state().known(Kind::Upstreams, key)?;
    let name = document.upstream().map_or("", |upstream| &upstream.name);
    let balancer = call.admin.database.in_force().balancer(name).cloned();
    balancer.map(|balancer| (document, balancer)).ok_or_else(Problem::not_found)
}

fn member<'a>(balancer: &'a Balancer, target: &Document) -> Option<&'a Arc<Member>> {
    let target = target.target()?;
    balancer.members().iter().find(|member| *member.target == *target.target)
}

/// Whether an address is a peer's. Without a port, it is Kong's default that is meant, or any.
fn is_at(peer: &Peer, address: &str) -> bool {
    let Some((host, port)) = split(address) else { return false };
    let is_host = host.parse::<IpAddr>().is_ok_and(|ip| ip == peer.addr.ip());
    is_host && port.is_none_or(|port| port == peer.addr.port())
}

fn with_health(document: &Document, balancer: &Balancer) -> Value {
    let mut shown = document.shown();
    if let Some(member) = member(balancer, document) {
        let peers = member.peers();
        let is_any_well = peers.iter().any(|peer| peer.health.is_well());
        let health = if peers.is_empty() { "DNS_ERROR" } else { word(balancer, is_any_well) };
        shown["health"] = health.into();
        shown["data"] = target(balancer, member);
    }
    shown
}

/// A target and its addresses.
fn target(balancer: &Balancer, member: &Member) -> Value {
    let weight = u64::from(member.weight);
    let peers = member.peers();
    let is_well = |peer: &Peer| !balancer.is_checked() || peer.health.is_well();
    let all = weight * peers.len() as u64;
    let well = weight * peers.iter().filter(|peer| is_well(peer)).count() as u64;
    let addresses = peers.iter().map(|peer| {
        json!({
            "ip": peer.addr.ip(),
            "port": peer.addr.port(),
            "weight": weight,
            "health": word(balancer, peer.health.is_well()),
        })
    });
    let dns = match peers.first() {
        Some(peer) if peer.addr.is_ipv6() => "AAAA",
        Some(_) => "A",
        None => "unknown",
    };
    json!({
        "host": member.host(),
        "port": member.port(),
        "dns": dns,
        "nodeWeight": weight,
        "weight": weights([all, well]),
        "addresses": addresses.collect::<Vec<_>>(),
    })
}

/// An upstream as a whole.
fn whole(balancer: &Balancer) -> Value {
    let mut whole = json!({
        "id": balancer.upstream().id,
        "health": word(balancer, balancer.is_well()),
    });
    if balancer.is_checked() {
        let hosts = balancer.members().iter().map(|member| target(balancer, member));
        whole["details"] = json!({
            "healthy": balancer.is_well(),
            "weight": weights(balancer.weights()),
            "hosts": hosts.collect::<Vec<_>>(),
        });
    }
    whole
}

fn weights([all, well]: [u64; 2]) -> Value {
    json!({ "total": all, "available": well, "unavailable": all - well })
}

fn word(balancer: &Balancer, is_well: bool) -> &'static str {
    match (balancer.is_checked(), is_well) {
        (false, _) => "HEALTHCHECKS_OFF",
        (true, true) => "HEALTHY",
        (true, false) => "UNHEALTHY",
    }
}
