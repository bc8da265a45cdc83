//! Opening handshakes.

use crate::call::Call;
use eventwire::ws::handshake::{ClientRequest, ServerHandshake};

/// Answers the request at the stream's front. Chooses the subprotocol `chat` if it is offered.
#[unsafe(no_mangle)]
extern "C" fn handshake_server(call: &mut Call) -> usize {
    let (stream, ends, mut report) = call.parts();
    let mut handshake = ServerHandshake::new();
    for &end in ends {
        match handshake.decode(&stream[..end]) {
            Ok(None) => continue,
            Ok(Some(request)) => {
                report.add_bytes(b't', request.target().as_bytes());
                report.add_bytes(b'h', request.host().as_bytes());
                report.add_number(b'n', request.head_len() as u64);
                let accepted = request.accept();
                let accepted = accepted.subprotocol("chat").unwrap_or(accepted);
                report.add(b's', |room| accepted.encode(room).unwrap_or(0));
            }
            Err(error) => {
                report.add_number(b'!', error.status().into());
                report.add(b's', |room| error.rejection().encode(room).unwrap_or(0));
            }
        }
        break;
    }
    report.finish()
}

/// Writes the RFC's example request, and reads the stream as its response.
#[unsafe(no_mangle)]
extern "C" fn handshake_client(call: &mut Call) -> usize {
    let (stream, ends, mut report) = call.parts();
    let request = ClientRequest::new("server.example.com", "/chat", *b"the sample nonce")
        .and_then(|request| request.origin("http://example.com"))
        .and_then(|request| request.subprotocols(&["chat", "superchat"]))
        .expect("the request is valid");
    report.add(b's', |room| request.encode(room).unwrap_or(0));
    let mut handshake = request.handshake();
    for &end in ends {
        match handshake.decode(&stream[..end]) {
            Ok(None) => continue,
            Ok(Some(response)) => {
                report.add_bytes(b'p', response.subprotocol().unwrap_or_default().as_bytes());
                report.add_number(b'n', response.head_len() as u64);
            }
            Err(error) => report.add_bytes(b'!', format!("{error:?}").as_bytes()),
        }
        break;
    }
    report.finish()
}
