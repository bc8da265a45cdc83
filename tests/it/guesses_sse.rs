//! The code for events that newcomers wrote before they had read much. It compiles, and does what
//! they meant.
//!
//! A comment says where a line differs from the guess.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use eventwire::FanoutOptions;
use eventwire::sse::header::LAST_EVENT_ID;
use eventwire::sse::{
    EventBody, EventBuilder, EventSource, EventSourceOptions, EventStream, EventType, LastEvent,
    OwnedEvent, ReadError, Replay, Resume,
};
use futures_util::{Stream, StreamExt, stream};
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

const TICK: EventType<'_> = EventType::from_static("tick");

type AnyError = Box<dyn Error + Send + Sync>;

struct Config {
    done: String,
    retry_statuses: Vec<u16>,
}

/// Serves with axum, and returns the URL.
async fn serve(router: Router) -> Result<String, AnyError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(url)
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()
}

/// Guessed: `EventBody::new(stream::unfold(..))` of messages, returned directly by a handler.
async fn of_messages() -> EventBody<impl Stream<Item = EventBuilder<'static>>> {
    EventBody::new(stream::unfold(1, async |number| {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let event = EventBuilder::new().id(number).data(format!("number {number}"));
        (number <= 3).then_some((event, number + 1))
    }))
}

/// Guessed: an `EventBody` of `Result<Bytes, _>`.
async fn of_results() -> impl IntoResponse {
    let blocks = [Ok(EventBuilder::new().data("a").to_bytes()), Err(std::io::Error::other("gone"))];
    EventBody::new(stream::iter(blocks).then(|block| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        block
    }))
}

async fn refused() -> impl IntoResponse {
    (StatusCode::UNAUTHORIZED, "no key")
}

/// Returns a stream of tokens. The server stays connected at its end.
async fn chat() -> impl IntoResponse {
    let chunks = [r#"{"text":"He"}"#, r#"{"text":"llo"}"#, "[DONE]"];
    let events = stream::iter(chunks).map(|chunk| EventBuilder::new().data(chunk));
    EventBody::new(events.chain(stream::pending()))
}

#[tokio::test]
async fn a_handler_returns_a_body_of_whatever_is_an_event() -> Result<(), AnyError> {
    let router = Router::new().route("/", get(of_messages)).route("/results", get(of_results));
    let url = serve(router).await?;
    // Guessed: `EventStream::new(response)`.
    let mut events = EventStream::from_response(client()?.get(&url).send().await?)?;
    for number in 1..=3 {
        let Some(event) = events.next().await.transpose()? else { panic!("an event") };
        assert_eq!(event.data, format!("number {number}"));
        assert_eq!(event.last_event_id, number.to_string());
    }
    assert!(events.next().await.is_none());

    let response = client()?.get(format!("{url}/results")).send().await?;
    let mut events = EventStream::from_response(response)?;
    assert_eq!(events.next().await.transpose()?.map(|event| event.data), Some("a".into()));
    assert!(matches!(events.next().await, Some(Err(ReadError::Transport(_)))), "cut off");
    Ok(())
}

/// The first wish: a stream that checks status and type, keeps the body of a refusal, and ends at
/// `[DONE]`. Wished: `from_response(response).await?`, `LastEvent::data(..)`, `event?.json()?`.
#[tokio::test]
async fn a_chat_is_read_to_its_end() -> Result<(), AnyError> {
    #[derive(serde::Deserialize)]
    struct Chunk {
        text: String,
    }
    let url = serve(Router::new().route("/", get(chat)).route("/refused", get(refused))).await?;
    let config = Config { done: "[DONE]".to_owned(), retry_statuses: vec![] };

    let response = client()?.get(&url).send().await?;
    let mut events = EventStream::from_response(response)?.until(LastEvent::Data(&config.done));
    let mut answer = String::new();
    while let Some(event) = events.next().await {
        let chunk: Chunk = serde_json::from_str(&event?.data)?;
        answer += &chunk.text;
    }
    assert_eq!(answer, "Hello");

    let response = client()?.get(format!("{url}/refused")).send().await?;
    let Err(error) = EventStream::from_response(response) else { panic!("no event stream") };
    assert_eq!(error.to_string(), "status 401 instead of an event stream");
    assert_eq!(reqwest::Response::from(error.into_response()).text().await?, "no key");

    // The stream is cut off before `[DONE]`, which is no success.
    let cut = stream::iter([Ok::<_, std::io::Error>("data: {}\n\n")]);
    let mut events = EventStream::new(cut).until(LastEvent::Data(config.done));
    assert_eq!(events.next().await.transpose()?.map(|event| event.data), Some("{}".into()));
    assert!(matches!(events.next().await, Some(Err(ReadError::Ended))));
    assert!(events.next().await.is_none());
    Ok(())
}

/// Guessed: `Message::new().id("17").event_type("tick")`, `.data(format!(..))`. Text may contain a
/// line end, so it takes a `try_` and a `?`. A number or a constant cannot.
#[test]
fn a_message_is_built_of_what_is_at_hand() -> Result<(), AnyError> {
    let celsius = 21;
    let event = EventBuilder::new().id(17).data(format!("{celsius} °C"));
    assert_eq!(event.to_bytes(), "id: 17\ndata: 21 °C\n\n");
    let event =
        EventBuilder::new().try_id("17")?.try_event_type("tick")?.data(format!("{celsius}"));
    assert_eq!(event.to_bytes(), "event: tick\nid: 17\ndata: 21\n\n");
    let same = EventBuilder::new().id(17_u64).event_type(TICK).data(celsius.to_string());
    assert_eq!(same, event);
    assert!(EventBuilder::new().try_id("17\ndata: forged").is_err());
    Ok(())
}

/// Guessed: `LastEvent::Data(&config.done)`, `retry_statuses(&vec)`.
#[test]
fn options_are_configured_at_run_time() {
    let config = Config { done: "[DONE]".to_owned(), retry_statuses: vec![429, 503] };
    let options = EventSourceOptions::new()
        .last_event(LastEvent::Data(&config.done))
        .retry_statuses(&config.retry_statuses);
    let source = EventSource::owned(options.clone());
    assert_eq!(source.last_event_id(), "");
    let options_again = EventSourceOptions::new()
        .last_event(LastEvent::Data(config.done.clone()))
        .retry_statuses(config.retry_statuses);
    assert_eq!(options, options_again);
}

/// Guessed: an event made by hand, for a program's own tests.
#[test]
fn an_event_is_made_by_hand() {
    let mut event = OwnedEvent::new("a");
    event.id = Some("7".into());
    assert_eq!((&*event.data, event.event_type_or_default()), ("a", "message"));
}

/// The third wish: a stream that resumes and sends signs of life, returned directly by a handler.
/// Wished: `hub.subscribe(last)`, for which the crate has no channel, and
/// `.keep_alive(Duration::from_secs(15))`, for which it has no timer.
async fn events(State(replay): State<Arc<Mutex<Replay>>>, headers: HeaderMap) -> impl IntoResponse {
    let id = headers.get(LAST_EVENT_ID).map_or(&b""[..], |id| id.as_bytes());
    let resume = replay.lock().unwrap().since(id, Duration::ZERO);
    let missed = match resume {
        Resume::Here(mut place) => {
            let replay = replay.lock().unwrap();
            std::iter::from_fn(|| replay.next(&mut place).ok()?.cloned()).collect()
        }
        Resume::Unknown | Resume::Expired => Vec::new(),
    };
    // A program chains the live events here.
    EventBody::new(stream::iter(missed).chain(stream::pending()))
        .keep_alive(Duration::from_millis(20), tokio::time::sleep)
        .retry(Duration::from_secs(1))
}

#[tokio::test]
async fn a_client_resumes_and_hears_signs_of_life() -> Result<(), AnyError> {
    let mut replay = Replay::new(FanoutOptions::new().max_items(1000), rand::random());
    let ids = ["a", "b"].map(|data| replay.push(&EventBuilder::new().data(data), Duration::ZERO));
    let replay = Arc::new(Mutex::new(replay));
    let url = serve(Router::new().route("/", get(events)).with_state(replay)).await?;
    let response = client()?.get(&url).header(LAST_EVENT_ID, ids[0].as_str()).send().await?;
    let mut body = response.bytes_stream();
    let mut sent = String::new();
    while !sent.ends_with("\n:\n\n") {
        let Some(chunk) = body.next().await.transpose()? else { panic!("an end") };
        sent.push_str(std::str::from_utf8(&chunk)?);
    }
    assert_eq!(sent, format!("retry: 1000\n\nid: {}\ndata: b\n\n:\n\n", ids[1]));
    Ok(())
}
