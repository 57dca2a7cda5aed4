//! Rebuilds the crate when a migration file comes or changes, since they are embedded.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
