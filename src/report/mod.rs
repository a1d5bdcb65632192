//! The report and its output forms, one file each. Nothing is decided here.
pub mod budget;
pub mod csv;
pub mod detail;
pub mod explain;
pub mod explanation;
pub mod html;
pub mod json;
pub mod jsonl;
pub mod lacking;
pub mod layout;
pub mod markdown;
pub mod memory;
pub mod message;
pub mod model;
pub mod onset;
pub mod page;
pub mod palette;
pub mod slo;
pub mod summary;
pub mod table;
pub mod timeline;
pub mod words;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
