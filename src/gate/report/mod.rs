//! The verdict in its forms. They only lay out what the model says; names from the project are made printable.

pub mod after;
pub mod github;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod sarif;
pub mod table;
