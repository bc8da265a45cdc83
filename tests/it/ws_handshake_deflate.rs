//! The offer, the answer and the agreement on permessage-deflate
//! ([RFC 7692, sections 5.1](https://www.rfc-editor.org/rfc/rfc7692#section-5.1) and
//! [7.1](https://www.rfc-editor.org/rfc/rfc7692#section-7.1)).

use eventwire::ws::Deflate;
use eventwire::ws::deflate::{DeflateParams, WindowBits};
use eventwire::ws::handshake::{ClientRequest, ResponseError, ServerHandshake};

const NONCE: [u8; 16] = *b"the sample nonce";

/// Returns parameters: flags in the order of the specification, and window bits, 0 for none.
fn params(server: bool, client: bool, server_bits: u8, client_bits: u8) -> DeflateParams {
    DeflateParams {
        server_no_context_takeover: server,
        client_no_context_takeover: client,
        server_max_window_bits: WindowBits::new(server_bits),
        client_max_window_bits: WindowBits::new(client_bits),
    }
}

/// Returns the value of the header in a head, if there is one. It may occur once.
fn extensions(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).unwrap();
    let mut values =
        head.split("\r\n").filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let value = values.next().map(Into::into);
    assert_eq!(values.next(), None, "{head}");
    value
}

fn request(offer: &str) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Extensions: {offer}\r\n\r\n"
    )
}

fn response(answer: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{answer}\r\n"
    )
}

fn answer(wanted: DeflateParams, offer: &str) -> Option<String> {
    answer_by(&Deflate::new().wanted(wanted), offer)
}

/// Returns a server's answer. Checks it against the parameters that the server reports.
fn answer_by(deflate: &Deflate, offer: &str) -> Option<String> {
    let head = request(offer);
    let request = ServerHandshake::new().decode(head.as_bytes()).unwrap().unwrap();
    let acceptance = request.accept().deflate(deflate);
    let answer = extensions(&acceptance.to_bytes());
    assert_eq!(answer, acceptance.deflate_params().map(|params| params.to_string()));
    answer
}

#[test]
fn a_server_answers_the_first_offer_that_it_can_accept() {
    let any = DeflateParams::default();
    for (wanted, offer, expected) in [
        (any, "permessage-deflate", Some("")),
        (any, "permessage-deflate; client_max_window_bits", Some("")),
        (any, "x, permessage-deflate , y", Some("")),
        (
            any,
            "permessage-deflate;server_no_context_takeover",
            Some("; server_no_context_takeover"),
        ),
        (
            any,
            "permessage-deflate;client_no_context_takeover",
            Some("; client_no_context_takeover"),
        ),
        (any, "permessage-deflate; server_max_window_bits=9", Some("; server_max_window_bits=9")),
        (any, "permessage-deflate; server_max_window_bits=15", Some("; server_max_window_bits=15")),
        (
            any,
            "permessage-deflate; server_max_window_bits=\"1\\0\"",
            Some("; server_max_window_bits=10"),
        ),
        (any, "permessage-deflate; client_max_window_bits=8", Some("; client_max_window_bits=8")),
        (any, "permessage-deflate; client_max_window_bits=15", Some("; client_max_window_bits=15")),
        (
            any,
            "permessage-deflate; client_max_window_bits=12; server_max_window_bits = 11 ; \
             client_no_context_takeover; server_no_context_takeover",
            Some(
                "; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=11; client_max_window_bits=12",
            ),
        ),
        // The smaller window counts. A client that does not know the parameter gets none.
        (params(false, false, 12, 11), "permessage-deflate", Some("; server_max_window_bits=12")),
        (
            params(true, true, 12, 11),
            "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
            Some(
                "; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=10; client_max_window_bits=11",
            ),
        ),
        (
            params(false, false, 12, 11),
            "permessage-deflate; client_max_window_bits=10; server_max_window_bits=13",
            Some("; server_max_window_bits=12; client_max_window_bits=10"),
        ),
        (
            params(false, false, 0, 8),
            "permessage-deflate; client_max_window_bits",
            Some("; client_max_window_bits=8"),
        ),
        // The server promises no window that zlib cannot write, and wants none itself.
        (any, "permessage-deflate; server_max_window_bits=8", None),
        (any, "permessage-deflate; server_max_window_bits=8, permessage-deflate", Some("")),
        (params(false, false, 8, 0), "permessage-deflate", Some("; server_max_window_bits=9")),
        // Declined offers: an unknown parameter, one that occurs twice, or one with an invalid
        // value.
        (any, "x-webkit-deflate-frame", None),
        (any, "Permessage-Deflate", None),
        (any, "permessage-deflate; unknown", None),
        (any, "permessage-deflate; Server_no_context_takeover", None),
        (any, "permessage-deflate; server_no_context_takeover; server_no_context_takeover", None),
        (any, "permessage-deflate; client_no_context_takeover; client_no_context_takeover", None),
        (any, "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", None),
        (any, "permessage-deflate; client_max_window_bits; client_max_window_bits", None),
        (any, "permessage-deflate; client_max_window_bits; client_max_window_bits=9", None),
        (any, "permessage-deflate; server_no_context_takeover=1", None),
        (any, "permessage-deflate; client_no_context_takeover=true", None),
        (any, "permessage-deflate; server_max_window_bits", None),
        (any, "permessage-deflate; server_max_window_bits=7", None),
        (any, "permessage-deflate; server_max_window_bits=16", None),
        (any, "permessage-deflate; server_max_window_bits=09", None),
        (any, "permessage-deflate; server_max_window_bits=+9", None),
        (any, "permessage-deflate; server_max_window_bits=1", None),
        (any, "permessage-deflate; client_max_window_bits=7", None),
        (any, "permessage-deflate; client_max_window_bits=016", None),
        (any, "permessage-deflate; client_max_window_bits=99999999999999999999", None),
        (
            any,
            "permessage-deflate; unknown, permessage-deflate; client_max_window_bits=9",
            Some("; client_max_window_bits=9"),
        ),
        (any, "permessage-deflate\r\nSec-WebSocket-Extensions: x", Some("")),
        (
            any,
            "x\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=13",
            Some("; server_max_window_bits=13"),
        ),
    ] {
        let expected = expected.map(|params| format!("permessage-deflate{params}"));
        assert_eq!(answer(wanted, offer), expected, "{offer}, {wanted:?}");
    }
}

/// The server declines an offer that leaves the client a larger window. That is the only limit that
/// it cannot impose.
#[test]
fn a_server_that_bounds_its_memory_rather_has_no_compression() {
    let small = params(true, true, 9, 10);
    let imposed =
        "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9";
    for (wanted, offer, otherwise, insisting) in [
        (small, "permessage-deflate", Some(imposed), None),
        (small, "permessage-deflate; client_no_context_takeover", Some(imposed), None),
        (params(false, false, 0, 14), "permessage-deflate", Some(""), None),
        // The server accepts the next offer if that is enough.
        (
            params(false, false, 0, 10),
            "permessage-deflate, permessage-deflate; client_max_window_bits",
            Some(""),
            Some("; client_max_window_bits=10"),
        ),
        (
            params(false, false, 0, 10),
            "permessage-deflate; server_no_context_takeover, \
             permessage-deflate; client_max_window_bits=8",
            Some("; server_no_context_takeover"),
            Some("; client_max_window_bits=8"),
        ),
    ] {
        let text = |params: Option<&str>| params.map(|it| format!("permessage-deflate{it}"));
        let deflate = Deflate::new().wanted(wanted);
        assert_eq!(answer_by(&deflate, offer), text(otherwise), "{offer}");
        assert_eq!(answer_by(&deflate.fallback(false), offer), text(insisting), "{offer}");
    }
    // If the client allows the limit, or the server needs none, the answer is the same as with
    // fallback.
    for (wanted, offer) in [
        (small, "permessage-deflate; client_max_window_bits"),
        (small, "permessage-deflate; client_max_window_bits=15"),
        (small, "permessage-deflate; client_max_window_bits=9"),
        (params(true, true, 9, 0), "permessage-deflate"),
        (params(true, true, 9, 15), "permessage-deflate"),
        (params(false, true, 0, 0), "permessage-deflate"),
        (DeflateParams::default(), "permessage-deflate; client_max_window_bits"),
        (DeflateParams::default(), "permessage-deflate; server_max_window_bits=8"),
    ] {
        let deflate = Deflate::new().wanted(wanted);
        let expected = answer_by(&deflate, offer);
        assert_eq!(answer_by(&deflate.fallback(false), offer), expected, "{offer}, {wanted:?}");
    }
}

#[test]
fn a_server_that_was_not_told_to_compress_does_not() {
    let head = request("permessage-deflate");
    let request = ServerHandshake::new().decode(head.as_bytes()).unwrap().unwrap();
    assert_eq!(request.accept().deflate_params(), None);
    assert_eq!(extensions(&request.accept().to_bytes()), None);
}

#[test]
fn a_client_offers_what_it_wants() {
    for (wanted, fallback, expected) in [
        (params(false, false, 0, 0), true, "; client_max_window_bits"),
        (params(false, false, 0, 15), true, "; client_max_window_bits"),
        (
            params(false, true, 0, 10),
            true,
            "; client_no_context_takeover; client_max_window_bits=10",
        ),
        (params(false, false, 0, 8), true, "; client_max_window_bits=9"),
        (
            params(true, false, 10, 0),
            true,
            "; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits, \
             permessage-deflate; client_max_window_bits",
        ),
        (
            params(true, true, 8, 12),
            false,
            "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; \
             client_max_window_bits=12",
        ),
    ] {
        let deflate = Deflate::new().wanted(wanted).fallback(fallback);
        let request = ClientRequest::new("a", "/", NONCE).unwrap().deflate(&deflate);
        let head = request.to_bytes();
        assert_eq!(head.len(), request.encoded_len());
        let expected = format!("permessage-deflate{expected}");
        assert_eq!(extensions(&head).as_ref(), Some(&expected), "{wanted:?}");
        // Our own server understands the offer.
        let request = ServerHandshake::new().decode(&head).unwrap().unwrap();
        assert_eq!(request.extensions().count(), expected.matches("permessage").count());
    }
    let request = ClientRequest::new("a", "/", NONCE).unwrap();
    assert_eq!(extensions(&request.to_bytes()), None);
}

#[test]
fn a_client_takes_an_answer_to_one_of_its_offers_and_no_other() {
    use ResponseError::{Extension, ExtensionParameters};
    let none = params(false, false, 0, 0);
    let demands = params(true, false, 10, 0);
    for (wanted, fallback, answer, expected) in [
        (none, true, "", Ok(params(false, false, 0, 0))),
        (none, true, "; server_no_context_takeover", Ok(params(true, false, 0, 0))),
        (none, true, "; client_no_context_takeover", Ok(params(false, true, 0, 0))),
        (none, true, "; server_max_window_bits=8", Ok(params(false, false, 8, 0))),
        (none, true, "; client_max_window_bits=9", Ok(params(false, false, 0, 9))),
        (none, true, "; client_max_window_bits=\"15\"", Ok(params(false, false, 0, 15))),
        // The client's own announcement holds, whether it is answered or not.
        (params(false, true, 0, 10), true, "", Ok(params(false, true, 0, 10))),
        (
            params(false, true, 0, 10),
            true,
            "; client_max_window_bits=9",
            Ok(params(false, true, 0, 9)),
        ),
        (params(false, true, 0, 10), true, "; client_max_window_bits=11", Err(ExtensionParameters)),
        (
            demands,
            false,
            "; server_no_context_takeover; server_max_window_bits=10",
            Ok(params(true, false, 10, 0)),
        ),
        (
            demands,
            false,
            "; server_max_window_bits=9; server_no_context_takeover; client_max_window_bits=12",
            Ok(params(true, false, 9, 12)),
        ),
        (demands, true, "", Ok(params(false, false, 0, 0))),
        (demands, true, "; server_max_window_bits=11", Ok(params(false, false, 11, 0))),
        (demands, false, "", Err(ExtensionParameters)),
        (demands, false, "; server_no_context_takeover", Err(ExtensionParameters)),
        (demands, false, "; server_max_window_bits=10", Err(ExtensionParameters)),
        (
            demands,
            false,
            "; server_no_context_takeover; server_max_window_bits=11",
            Err(ExtensionParameters),
        ),
        (none, true, "; client_max_window_bits", Err(ExtensionParameters)),
        (none, true, "; client_max_window_bits=8", Err(ExtensionParameters)),
        (none, true, "; client_max_window_bits=16", Err(ExtensionParameters)),
        (none, true, "; server_max_window_bits", Err(ExtensionParameters)),
        (none, true, "; server_max_window_bits=7", Err(ExtensionParameters)),
        (none, true, "; server_no_context_takeover=0", Err(ExtensionParameters)),
        (
            none,
            true,
            "; server_no_context_takeover; server_no_context_takeover",
            Err(ExtensionParameters),
        ),
        (none, true, "; unknown", Err(ExtensionParameters)),
        (none, true, ", permessage-deflate", Err(Extension)),
        (none, true, "\r\nSec-WebSocket-Extensions: x", Err(Extension)),
        (none, true, "x", Err(Extension)),
        (none, true, "; =", Err(Extension)),
    ] {
        let deflate = Deflate::new().wanted(wanted).fallback(fallback);
        let request = ClientRequest::new("a", "/", NONCE).unwrap().deflate(&deflate);
        let head = response(&format!("Sec-WebSocket-Extensions: permessage-deflate{answer}\r\n"));
        for mut handshake in [request.handshake(), request.handshake().into_owned()] {
            let found = handshake.decode(head.as_bytes());
            let found = found.map(|response| response.unwrap().deflate_params());
            assert_eq!(found, expected.map(Some), "{answer}, {wanted:?}");
        }
    }
    let deflate = Deflate::new();
    let request = ClientRequest::new("a", "/", NONCE).unwrap().deflate(&deflate);
    let declined = response("");
    let agreed = request.handshake().decode(declined.as_bytes()).unwrap().unwrap().deflate_params();
    assert_eq!(agreed, None);
    for bad in ["", "x", ","] {
        let head = response(&format!("Sec-WebSocket-Extensions: {bad}\r\n"));
        let error = request.handshake().decode(head.as_bytes()).unwrap_err();
        assert_eq!(error, Extension, "{bad:?}");
    }
}

#[test]
fn what_was_not_offered_is_not_taken() {
    let request = ClientRequest::new("a", "/", NONCE).unwrap();
    let head = response("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    let error = request.handshake().decode(head.as_bytes()).unwrap_err();
    assert_eq!(error, ResponseError::Extension);
}

#[cfg(feature = "http")]
#[test]
fn the_same_is_agreed_on_by_types_of_http() {
    use eventwire::ws::handshake::Request;
    let header = "sec-websocket-extensions";
    let client = Deflate::new().wanted(params(true, false, 10, 0));
    let server = Deflate::new().wanted(params(false, false, 0, 11));
    let offers = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
                  client_max_window_bits, permessage-deflate; client_max_window_bits";
    let answer = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
                  client_max_window_bits=11";

    let request = ClientRequest::new("a", "/", NONCE).unwrap().deflate(&client);
    let sent = request.to_http().unwrap();
    assert_eq!(sent.headers()[header], offers);
    let acceptance = Request::from_http(&sent).unwrap().accept().deflate(&server);
    assert_eq!(acceptance.deflate_params(), Some(params(true, false, 10, 11)));
    let response = acceptance.to_http().unwrap();
    assert_eq!(response.headers()[header], answer);
    assert_eq!(request.verify(&response).unwrap().deflate_params(), acceptance.deflate_params());

    let request = ClientRequest::connect("a", "/").unwrap().deflate(&client);
    let sent = request.to_http(http::uri::Scheme::HTTPS).unwrap();
    assert_eq!(sent.headers()[header], offers);
    let accepted = Request::from_connect(&sent, "websocket").unwrap().accept().deflate(&server);
    let response = accepted.to_http().unwrap();
    assert_eq!(response.headers()[header], answer);
    assert_eq!(request.verify(&response).unwrap().deflate_params(), accepted.deflate_params());
}
