//! Tries to break the WebSocket of `eventwire_tokio::ws`: transports that stall, cut and break,
//! futures that are dropped at any await point, peers that do harm, and many tasks.

mod faults;
mod harm;
mod pipe;
mod rng;
mod scheduler;
mod seeds;
mod stress;
