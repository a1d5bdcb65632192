//! How drivers, pools and applications name the figures of their connections: the table, and what is asked of it.

/// Words one of which a text line or the name of a field holds if its bare `active` or `total` is a pool's.
const CUES: [&str; 11] = [
    "pool",
    "connection",
    "hikari",
    "waiting",
    "clients",
    "database",
    "timeout_ms",
    "ssl",
    "pending",
    "queue",
    "stats",
];

/// What a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Active,
    Idle,
    Waiting,
    Total,
    Max,
    TimeoutMs,
    TimeoutS,
    SslRequired,
    SslConfig,
}

/// Names that need no cue: nothing but a pool or connection has them.
const NAMES: [(&str, Kind); 54] = [
    ("active_clients", Kind::Active),
    ("active_connections", Kind::Active),
    ("checked_out", Kind::Active),
    ("checked_out_connections", Kind::Active),
    ("num_used", Kind::Active),
    ("in_use", Kind::Active),
    ("acquired_conns", Kind::Active),
    ("prisma_pool_connections_busy", Kind::Active),
    ("hikaricp_active_connections", Kind::Active),
    ("idle_clients", Kind::Idle),
    ("idle_connections", Kind::Idle),
    ("idle_count", Kind::Idle),
    ("num_free", Kind::Idle),
    ("idle_conns", Kind::Idle),
    ("connections_in_pool", Kind::Idle),
    ("pool_available", Kind::Idle),
    ("prisma_pool_connections_idle", Kind::Idle),
    ("hikaricp_idle_connections", Kind::Idle),
    ("waiting_requests", Kind::Waiting),
    ("waiting_count", Kind::Waiting),
    ("waiting_clients", Kind::Waiting),
    ("pending_acquires", Kind::Waiting),
    ("num_pending_acquires", Kind::Waiting),
    ("requests_waiting", Kind::Waiting),
    ("cl_waiting", Kind::Waiting),
    ("wait_queue", Kind::Waiting),
    ("prisma_client_queries_wait", Kind::Waiting),
    ("hikaricp_pending_threads", Kind::Waiting),
    ("total_count", Kind::Total),
    ("total_conns", Kind::Total),
    ("total_connections", Kind::Total),
    ("open_connections", Kind::Total),
    ("prisma_pool_connections_open", Kind::Total),
    ("pool_max", Kind::Max),
    ("max_connections", Kind::Max),
    ("connection_limit", Kind::Max),
    ("max_pool_size", Kind::Max),
    ("pool_limit", Kind::Max),
    ("max_open_connections", Kind::Max),
    ("max_conns", Kind::Max),
    ("hikaricp_max_connections", Kind::Max),
    ("db_timeout_ms", Kind::TimeoutMs),
    ("connect_timeout_ms", Kind::TimeoutMs),
    ("connection_timeout_millis", Kind::TimeoutMs),
    ("connection_timeout_ms", Kind::TimeoutMs),
    ("acquire_timeout_millis", Kind::TimeoutMs),
    ("pool_timeout", Kind::TimeoutS),
    ("connection_pool_timeout", Kind::TimeoutS),
    ("ssl_required", Kind::SslRequired),
    ("require_ssl", Kind::SslRequired),
    ("force_ssl", Kind::SslRequired),
    ("require_secure_transport", Kind::SslRequired),
    ("ssl_config", Kind::SslConfig),
    ("sslmode", Kind::SslConfig),
];

/// Names that count only beside a cue.
const BARE: [(&str, Kind); 19] = [
    ("active", Kind::Active),
    ("busy", Kind::Active),
    ("used", Kind::Active),
    ("using", Kind::Active),
    ("borrowed", Kind::Active),
    ("acquired", Kind::Active),
    ("idle", Kind::Idle),
    ("free", Kind::Idle),
    ("available", Kind::Idle),
    ("waiting", Kind::Waiting),
    ("pending", Kind::Waiting),
    ("queued", Kind::Waiting),
    ("total", Kind::Total),
    ("size", Kind::Total),
    ("pool_size", Kind::Total),
    ("max", Kind::Max),
    ("limit", Kind::Max),
    ("ssl_mode", Kind::SslConfig),
    ("checkout", Kind::Active),
];

/// How names end: the last words of all names above.
const ENDINGS: [&str; 38] = [
    "clients",
    "connections",
    "out",
    "used",
    "use",
    "conns",
    "busy",
    "count",
    "free",
    "pool",
    "available",
    "idle",
    "requests",
    "acquires",
    "waiting",
    "queue",
    "wait",
    "threads",
    "open",
    "max",
    "limit",
    "size",
    "ms",
    "millis",
    "timeout",
    "required",
    "ssl",
    "transport",
    "config",
    "sslmode",
    "mode",
    "active",
    "using",
    "total",
    "pending",
    "queued",
    "borrowed",
    "acquired",
];

/// The two letters in which these end: for each letter before the last, the last ones as a bit each.
const LAST_LETTERS: [u32; 32] = {
    let (mut letters, mut at) = ([0; 32], 0);
    while at < ENDINGS.len() {
        let ending = ENDINGS[at].as_bytes();
        letters[(ending[ending.len() - 2] & 0x1f) as usize] |= 1 << (ending[ending.len() - 1] & 0x1f);
        at += 1;
    }
    letters
};

pub(super) fn kind_of(name: &str) -> Option<Kind> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

pub(super) fn bare_kind_of(name: &str) -> Option<Kind> {
    BARE.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// The figure that the last words of a text name; the longest name counts.
pub(super) fn named_before(before: &str) -> Option<Kind> {
    let before = before.trim_end_matches(['"', '\'', ' ']);
    let from = before.char_indices().rev().nth(48).map_or(0, |(at, _)| at);
    let tail = before.get(from..).unwrap_or_default();
    let words: Vec<&str> = tail
        .rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')
        .take_while(|word| !word.is_empty())
        .take(4)
        .collect();
    for count in (1..=words.len()).rev() {
        let name: Vec<String> = words.iter().take(count).rev().map(|word| snake(word)).collect();
        let name = name.join("_");
        if let Some(kind) = kind_of(&name) {
            return Some(kind);
        }
    }
    let last = snake(words.first()?);
    let last = last.rsplit('.').next().unwrap_or(&last);
    kind_of(last).or_else(|| bare_kind_of(last))
}

/// Whether a text ends as the name of a figure does: nearly none does, and that is told without a copy.
pub(super) fn may_be_named(before: &str) -> bool {
    let bytes = before.trim_end_matches(['"', '\'', ' ']).as_bytes();
    let Some([before, last]) = bytes.last_chunk() else { return false };
    if !last.is_ascii_alphabetic() || LAST_LETTERS[usize::from(before & 0x1f)] >> (last & 0x1f) & 1 == 0 {
        return false;
    }
    ENDINGS.iter().any(|ending| {
        let from = bytes.len().checked_sub(ending.len());
        from.is_some_and(|from| bytes[from..].eq_ignore_ascii_case(ending.as_bytes()))
    })
}

pub(super) fn has_cue(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    CUES.iter().any(|cue| lower.contains(cue))
}

/// `waitingCount`, `waiting-count` and `WaitingCount` as `waiting_count`; dots stay.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            out.push('_');
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(match c {
            '-' | ' ' => '_',
            c => c.to_ascii_lowercase(),
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_ends_as_names_do() {
        for (name, _) in NAMES.iter().chain(&BARE) {
            assert!(may_be_named(name), "{name}");
        }
        assert!(may_be_named("poolMax") && may_be_named("\"waitingCount\" ") && !may_be_named("page"));
    }
}
