//! The program `ws_client_std` against a server on loopback.

use eventwire_test_support::line_echo::{Server, echoes, ends_by_itself};
use eventwire_test_support::program;

const PROGRAM: &str = env!("CARGO_BIN_EXE_ws_client_std");

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_echoed_and_the_connection_is_closed() {
    let mut server = Server::start().await;
    let url = server.url.clone();
    echoes(PROGRAM, &[&url], &mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_printed() {
    let server = Server::start().await;
    let elsewhere = server.url.replace("chat", "private");
    let host = server.url.split('/').nth(2).unwrap();
    let refused = "the server refused to open a WebSocket, with status 401";
    let refused = format!("ws_client_std: {host}: {refused}\n");
    ends_by_itself(PROGRAM, &[&elsewhere], "", 2, &refused);
    let bye = "open\nclosed with 4000 (\"bye\")\n";
    ends_by_itself(PROGRAM, &[&server.url], "close\n", 0, bye);
    let cut = "open\nclosed with 1006: the transport ended too soon\n";
    ends_by_itself(PROGRAM, &[&server.url], "drop\n", 1, cut);
}

#[test]
fn arguments_are_refused_in_one_line() {
    let rows: &[&[&str]] =
        &[&[], &["localhost"], &["http://localhost/"], &["ws://"], &["ws://a b/"]];
    program::refuses_in_one_line(PROGRAM, rows);
    program::refuses_in_one_line(PROGRAM, &[&["wss://localhost/"], &["ws://a/", "ws://b/"]]);
}
