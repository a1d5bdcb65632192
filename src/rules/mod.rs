//! Rules: causes as data. Loaded from TOML, compiled once, matched on single records.
pub mod model;
