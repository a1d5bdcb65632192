//! The report and its output forms, one file each. Nothing is decided here.
pub mod budget;
pub mod csv;
pub mod detail;
pub mod explain;
pub mod explanation;
pub mod json;
pub mod jsonl;
pub mod layout;
pub mod memory;
pub mod model;
pub mod page;
pub mod palette;
pub mod slo;
pub mod summary;
pub mod table;
pub mod words;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
