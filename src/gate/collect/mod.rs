//! Reading a project: what it is, its routes, its modules. Nothing is run, written or fetched, and nothing is judged.

mod absence;
pub mod connection;
pub mod datastores;
pub mod dotenv;
pub mod fence;
pub mod graph;
pub mod module;
pub mod nesting;
pub mod parse;
pub mod project;
pub mod resolve;
pub mod routes;
pub mod tsconfig;
mod visit;
pub mod workspace;
