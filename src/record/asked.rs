//! Who asked a server for what, as far as a line of a failed request says it: what two logs of one server have in common.

use serde::{Deserialize, Serialize};

/// Hashes of what a line says of the request that it is about. They tell requests apart that no ID tells apart, and are
/// never shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The client's address, without its port.
    pub client: Option<u64>,
    /// The request's target, with its query.
    pub target: Option<u64>,
    /// The target has a query.
    pub has_query: bool,
    /// The connection or the thread that served it: lines of one request have the same.
    pub connection: Option<u64>,
    /// What the application behind the server wrote, as the server quotes it; in the application's own log the same.
    pub quoted: Option<u64>,
    /// The access line stands at the time at which the request came, not at which it was answered, as Apache's does.
    pub at_arrival: bool,
}
