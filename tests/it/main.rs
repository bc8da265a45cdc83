//! The integration tests, in one binary with a module for each suite. A suite is left out when a
//! feature that it needs is off, so each tier of features runs the suites that it supports.

#[cfg(feature = "std")]
mod allocation;
mod backoff;
#[cfg(feature = "alloc")]
mod fanout;
#[cfg(all(feature = "deflate", feature = "handshake"))]
mod faults;
#[cfg(feature = "std")]
mod fuzz;
#[cfg(feature = "axum")]
mod guesses_sse;
#[cfg(feature = "tokio-util")]
mod guesses_ws;
mod no_alloc;
#[cfg(feature = "std")]
mod public_types;
mod sse_decoder;
#[cfg(feature = "http-body")]
mod sse_event_body;
#[cfg(feature = "std")]
mod sse_event_builder;
#[cfg(feature = "tokio-util")]
mod sse_event_codec;
mod sse_event_source;
mod sse_event_source_proptest;
mod sse_event_source_resume;
#[cfg(all(feature = "std", feature = "stream"))]
mod sse_event_stream;
mod sse_lexer;
mod sse_limits;
#[cfg(feature = "std")]
mod sse_owned_decoder;
mod sse_proptest;
#[cfg(feature = "alloc")]
mod sse_replay;
mod sse_vectors;
mod url;
mod ws_connection;
#[cfg(all(feature = "deflate", feature = "handshake"))]
mod ws_deflate;
#[cfg(feature = "deflate")]
mod ws_deflate_proptest;
#[cfg(feature = "std")]
mod ws_frame;
mod ws_frame_decoder;
#[cfg(feature = "handshake")]
mod ws_handshake_client;
#[cfg(all(feature = "deflate", feature = "handshake"))]
mod ws_handshake_deflate;
#[cfg(feature = "http")]
mod ws_handshake_http;
#[cfg(feature = "handshake")]
mod ws_handshake_server;
#[cfg(feature = "std")]
mod ws_into;
#[cfg(all(feature = "std", feature = "handshake"))]
mod ws_machine_proptest;
#[cfg(feature = "tokio-util")]
mod ws_message_stream;
#[cfg(all(feature = "std", feature = "handshake"))]
mod ws_pipe;
#[cfg(feature = "std")]
mod ws_proptest;
#[cfg(all(feature = "std", feature = "handshake"))]
mod ws_reconnecting_websocket;
#[cfg(feature = "std")]
mod ws_set_limits;
#[cfg(feature = "http")]
mod ws_upgrade;
mod ws_vectors;
#[cfg(all(feature = "std", feature = "handshake"))]
mod ws_websocket;
