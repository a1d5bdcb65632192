//! The way to the datastores that a manifest declares: name, connection, encryption, signing in, limits; each step timed and
//! named. The one room that opens connections to datastores; it judges nothing, see [`crate::gate::judge::reached`].

pub mod seen;
