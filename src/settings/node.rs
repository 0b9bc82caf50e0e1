//! Who this process is, on which machine, and what it serves.

use crate::message::random;

/// What `kong.node` tells of.
#[derive(Default)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) hostname: String,
}

/// What a server counts: the application tells it with [`RuntimeBuilder::server_stats`](crate::RuntimeBuilder::server_stats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerStats {
    /// Connections that are open.
    pub connections_active: u64,
    /// Connections on which a request is being read.
    pub connections_reading: u64,
    /// Connections on which a response is being written.
    pub connections_writing: u64,
    /// Connections that are idle.
    pub connections_waiting: u64,
    /// Connections that were accepted so far.
    pub connections_accepted: u64,
    /// Connections that were accepted and served.
    pub connections_handled: u64,
    /// Requests so far.
    pub total_requests: u64,
}

impl Node {
    /// This node, with the id `id` or a random one.
    pub(crate) fn new(id: Option<&str>) -> Self {
        Self { id: id.map_or_else(uuid, str::to_owned), hostname: hostname() }
    }
}

/// A random UUID, of version 4.
fn uuid() -> String {
    let mut digits = format!("{:032x}", random::bits());
    digits.replace_range(12..13, "4");
    let variant = match digits.as_bytes()[16] {
        b'0'..=b'3' => "8",
        b'4'..=b'7' => "9",
        b'8'..=b'9' | b'a'..=b'b' => "a",
        _ => "b",
    };
    digits.replace_range(16..17, variant);
    for dash in [8, 13, 18, 23] {
        digits.insert(dash, '-');
    }
    digits
}

/// The machine's name. Asking the system for it takes `unsafe`, or a crate; Linux has it in a file.
fn hostname() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let from_file = files.iter().find_map(|file| std::fs::read_to_string(file).ok());
    let from_environment =
        || ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|name| std::env::var(name).ok());
    let name = from_file.or_else(from_environment);
    name.map_or_else(|| "localhost".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_is_a_uuid_of_version_4() {
        let ids: std::collections::HashSet<_> = (0..100).map(|_| uuid()).collect();
        assert_eq!(ids.len(), 100);
        for id in ids {
            let parts: Vec<_> = id.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
            assert!(parts[2].starts_with('4') && "89ab".contains(&parts[3][..1]), "{id}");
            assert!(parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        }
    }
}
