//! Settings come from the environment only. A [`Section`] reads its variables through [`Vars`], which records the name,
//! default and meaning of each and collects every problem. `--help` and the list of errors are made from these records.
//!
//! To add a variable: one line in the `read` of the section that uses it, then `cargo xtask configuration`.

mod rotating;
mod unknown;
mod value;
mod vars;

pub use rotating::RotatingSecret;
pub use value::{ByteSize, Value};
pub use vars::{Problem, Vars};

/// A value that must not appear in logs, errors or `Debug` output.
pub type Secret = secrecy::SecretString;

/// A group of settings that is read as one.
pub trait Section: Sized {
    /// Reads all variables of the group; `None` if one is missing or wrong, which `vars` has recorded.
    fn read(vars: &mut Vars) -> Option<Self>;
}
