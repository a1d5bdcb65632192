//! The report and its output forms, one file each. Nothing is decided here.
pub mod model;
