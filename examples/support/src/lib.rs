//! Modules that several of the examples share, a feature for each.

#[cfg(feature = "causes")]
pub mod causes;
#[cfg(feature = "program")]
pub mod program;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "stdin-lines")]
pub mod stdin_lines;
