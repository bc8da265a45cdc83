//! Faults of a server of events: how the source ends, and what it says.

use super::end::End;
use super::fault::Fault;
use super::patience::Patience;
use super::scene::Scene;
use super::source;
use eventwire_tokio::sse::{EventSourceError, EventSourceErrorKind};
use std::io;
use std::time::Duration;
use tokio::time::timeout;

/// Runs the source with short deadlines. Returns how it ended, and the text of that.
async fn run(fault: Fault) -> (End, String) {
    let scene = Scene::of(fault).await;
    let end = timeout(Duration::from_secs(2), source::run(&scene, Patience::Short)).await;
    let end = end.expect("the source ends by its own deadlines");
    let text = scene.mask(&end.text());
    (end, text)
}

fn kind(end: &End) -> &EventSourceErrorKind {
    end.error().downcast_ref::<EventSourceError>().expect("an error of the source").kind()
}

#[tokio::test]
async fn the_server_is_down() {
    let (end, text) = run(Fault::ServerDown).await;
    assert!(text.starts_with("SERVER: network error: "), "{text}");
    assert_eq!(end.is_permanent(), Some(false));
    let cause = end.cause::<io::Error>().expect("the system's error");
    assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
    assert!(text.ends_with(&cause.to_string()), "{text}");
    assert!(end.cause::<reqwest::Error>().is_some_and(reqwest::Error::is_connect));
}

#[tokio::test]
async fn the_server_refuses() {
    for (fault, status, text) in [
        (Fault::Unauthorized, 401, "status 401 Unauthorized"),
        (
            Fault::Redirected,
            302,
            "status 302 Found, a redirect that the HTTP client did not follow",
        ),
        (Fault::TooManyRequests, 429, "status 429 Too Many Requests"),
        (Fault::Unavailable, 503, "status 503 Service Unavailable"),
        (Fault::WrongType, 200, "content type text/html"),
    ] {
        let (end, found) = run(fault).await;
        assert_eq!(found, format!("SERVER: the response is not an event stream: {text}"));
        // The standard lets no status but 200 be tried again.
        assert_eq!(end.is_permanent(), Some(true), "{status}");
        let EventSourceErrorKind::Refused(response) = kind(&end) else { panic!("{end:?}") };
        assert_eq!((response.status().as_u16(), &response.body()[..]), (status, &b"why"[..]));
    }
}

#[cfg(feature = "reqwest-tls")]
#[tokio::test]
async fn the_certificate_is_not_trusted() {
    let (end, text) = run(Fault::UnknownRoot).await;
    assert!(text.starts_with("SERVER: network error: "), "{text}");
    assert!(text.contains("invalid peer certificate: UnknownIssuer"), "{text}");
    assert!(end.cause::<reqwest::Error>().is_some_and(reqwest::Error::is_connect));
}

#[tokio::test]
async fn the_server_never_answers() {
    let (end, text) = run(Fault::SilentServer).await;
    assert_eq!(text, "SERVER: no response to the request within the response timeout");
    assert_eq!(end.is_permanent(), Some(false));
    assert!(matches!(kind(&end), EventSourceErrorKind::NoResponse));
}

#[tokio::test]
async fn an_event_is_cut() {
    let (end, text) = run(Fault::CutEvent).await;
    assert!(text.starts_with("SERVER: network error: "), "{text}");
    assert_eq!(end.is_permanent(), Some(false));
    let cause = end.cause::<io::Error>().expect("the transport's error");
    assert_eq!(cause.kind(), io::ErrorKind::UnexpectedEof);
    assert!(text.ends_with(&cause.to_string()), "{text}");
}

#[tokio::test]
async fn the_stream_falls_silent() {
    let (end, text) = run(Fault::SilentStream).await;
    assert_eq!(text, "SERVER: no data from the event stream within the idle timeout");
    assert_eq!(end.is_permanent(), Some(false));
    assert!(matches!(kind(&end), EventSourceErrorKind::Idle));
}

#[tokio::test]
async fn the_url_is_invalid() {
    let (end, text) = run(Fault::InvalidUrl).await;
    let begins = "the URL does not begin with http:// or https://";
    assert_eq!(text, format!("the request cannot be sent: {begins}"));
    assert_eq!(end.is_permanent(), Some(true));
}
