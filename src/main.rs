//! The `why500` program.
fn main() {}
