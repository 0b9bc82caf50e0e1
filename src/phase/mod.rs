//! The moments of a request at which functions run, and sets of them.

mod plugin;

use std::fmt;

pub use self::plugin::Plugin;

/// A moment in the life of a request at which functions run.
///
/// The names and their order are Kong's. Which moment of a tower call each of them is stands in
/// [the guide to phases](crate::guide::phases).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// While a TLS certificate is chosen; whoever terminates TLS runs it.
    Certificate,
    /// Before a route is looked for.
    Rewrite,
    /// Before the inner service is called.
    Access,
    /// When the head of the response is there, before it is sent.
    HeaderFilter,
    /// For each chunk of the response body, and once at its end.
    BodyFilter,
    /// Once, when the response has been sent or given up.
    Log,
    /// Not of a request: a function that `ngx.timer` calls later. Sets have no functions for it, and
    /// it is not among [`ALL`](Self::ALL).
    Timer,
}

impl Phase {
    /// All phases, in the order in which a request passes them.
    pub const ALL: [Self; 6] = [
        Self::Certificate,
        Self::Rewrite,
        Self::Access,
        Self::HeaderFilter,
        Self::BodyFilter,
        Self::Log,
    ];

    /// How many there are, with those that are not of a request.
    pub(crate) const COUNT: usize = Self::ALL.len() + 1;

    /// The name of the phase, as `ngx.get_phase()` and Kong's configuration have it.
    ///
    /// ```
    /// assert_eq!(tower_lua::Phase::HeaderFilter.name(), "header_filter");
    /// ```
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Rewrite => "rewrite",
            Self::Access => "access",
            Self::HeaderFilter => "header_filter",
            Self::BodyFilter => "body_filter",
            Self::Log => "log",
            Self::Timer => "timer",
        }
    }

    /// The place of the phase in [`Phase::ALL`], or behind it.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    const fn set(self) -> PhaseSet {
        match self {
            Self::Certificate => PhaseSet::CERTIFICATE,
            Self::Rewrite => PhaseSet::REWRITE,
            Self::Access => PhaseSet::ACCESS,
            Self::HeaderFilter => PhaseSet::HEADER_FILTER,
            Self::BodyFilter => PhaseSet::BODY_FILTER,
            Self::Log => PhaseSet::LOG,
            Self::Timer => PhaseSet::TIMER,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The phases in which a Lua function may be called.
///
/// The bits are those of Kong's `pdk/private/phases.lua`, with the phases that only Kong has, so
/// that messages list the same names in the same order.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PhaseSet(u32);

impl PhaseSet {
    pub(crate) const INIT_WORKER: Self = Self(0x1);
    pub(crate) const CERTIFICATE: Self = Self(0x2);
    pub(crate) const REWRITE: Self = Self(0x10);
    pub(crate) const ACCESS: Self = Self(0x20);
    pub(crate) const BALANCER: Self = Self(0x40);
    pub(crate) const RESPONSE: Self = Self(0x80);
    pub(crate) const CLUSTER_LISTENER: Self = Self(0x100);
    pub(crate) const HEADER_FILTER: Self = Self(0x200);
    pub(crate) const BODY_FILTER: Self = Self(0x400);
    /// Kong: knows no such phase. Its bit is free there, and no message names it.
    pub(crate) const TIMER: Self = Self(0x1000);
    pub(crate) const LOG: Self = Self(0x2000);
    pub(crate) const PREREAD: Self = Self(0x4000);
    pub(crate) const ERROR: Self = Self(0x0100_0000);
    pub(crate) const ADMIN_API: Self = Self(0x1000_0000);

    /// The phases in which a function may wait: more than on OpenResty.
    pub(crate) const YIELDABLE: Self = Self::CERTIFICATE
        .or(Self::REWRITE)
        .or(Self::ACCESS)
        .or(Self::HEADER_FILTER)
        .or(Self::BODY_FILTER)
        .or(Self::LOG)
        .or(Self::TIMER);

    /// No phase at all.
    pub(crate) const NONE: Self = Self(0);

    /// Every phase there is.
    pub(crate) const ANY: Self = Self(u32::MAX);

    /// Every phase in which there is a client.
    pub(crate) const CLIENT: Self = Self(Self::ANY.0 & !Self::TIMER.0);

    const NAMES: [(Self, &'static str); 13] = [
        (Self::INIT_WORKER, "init_worker"),
        (Self::CERTIFICATE, "certificate"),
        (Self::REWRITE, "rewrite"),
        (Self::ACCESS, "access"),
        (Self::BALANCER, "balancer"),
        (Self::RESPONSE, "response"),
        (Self::CLUSTER_LISTENER, "cluster_listener"),
        (Self::HEADER_FILTER, "header_filter"),
        (Self::BODY_FILTER, "body_filter"),
        (Self::LOG, "log"),
        (Self::PREREAD, "preread"),
        (Self::ERROR, "error"),
        (Self::ADMIN_API, "admin_api"),
    ];

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn contains(self, phase: Phase) -> bool {
        self.0 & phase.set().0 != 0
    }

    /// The phases that are in the set.
    #[cfg(test)]
    pub(crate) fn phases(self) -> impl Iterator<Item = Phase> {
        let all = Phase::ALL.into_iter().chain([Phase::Timer]);
        all.filter(move |phase| self.contains(*phase))
    }
}

impl FromIterator<Phase> for PhaseSet {
    fn from_iter<I: IntoIterator<Item = Phase>>(phases: I) -> Self {
        phases.into_iter().fold(Self::NONE, |set, phase| set.or(phase.set()))
    }
}

impl fmt::Display for PhaseSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().filter(|(phase, _)| self.0 & phase.0 != 0);
        for (position, (_, name)) in names.enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_lists_its_phases_in_kongs_order() {
        let set = PhaseSet::ADMIN_API.or(PhaseSet::LOG).or(PhaseSet::REWRITE);
        assert_eq!(set.to_string(), "rewrite, log, admin_api");
    }

    #[test]
    fn a_set_contains_what_was_put_in() {
        let set = PhaseSet::ACCESS.or(PhaseSet::LOG);
        assert!(set.contains(Phase::Access) && set.contains(Phase::Log));
        assert!(!set.contains(Phase::BodyFilter));
        assert_eq!(set.phases().collect::<Vec<_>>(), [Phase::Access, Phase::Log]);
    }
}
