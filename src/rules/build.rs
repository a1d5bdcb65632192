//! Tells Cargo that a new or removed rule file changes the program: `include_dir!` only watches the files it found.
fn main() {
    println!("cargo::rerun-if-changed=rules");
}
