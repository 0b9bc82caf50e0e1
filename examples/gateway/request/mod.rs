//! What happens to a request, from the socket to the service and back.

pub(crate) mod counters;
pub(crate) mod edge;
pub(crate) mod flight;
pub(crate) mod handover;
pub(crate) mod head_names;
pub(crate) mod hop_by_hop;
pub(crate) mod listen;
pub(crate) mod metrics;
pub(crate) mod noted;
pub(crate) mod patience;
pub(crate) mod peer;
pub(crate) mod plugins;
pub(crate) mod proxy;
pub(crate) mod record;
pub(crate) mod routing;
pub(crate) mod socket;
pub(crate) mod sound;
pub(crate) mod spelling;
pub(crate) mod subrequest;
pub(crate) mod trace;
pub(crate) mod trusted;
pub(crate) mod uri;
pub(crate) mod ways;
pub(crate) mod wire;
