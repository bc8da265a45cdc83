//! Tests of the way to a server.
