//! Modules that several examples share, each behind a feature of its own.

#[cfg(feature = "causes")]
pub mod causes;
#[cfg(feature = "program")]
pub mod program;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "stdin-lines")]
pub mod stdin_lines;
