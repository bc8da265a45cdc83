//! An HTTP client without a network, for tests that stop the clock.

use bytes::Bytes;
use eventwire_tokio::sse::HttpClient;
use futures_util::stream;
use http::{Request, Response, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An answer to a request.
pub enum Answer {
    /// Nothing, for ever.
    Silence,
    /// A response with these parts of a body, each after a wait.
    Response(Response<Body>),
}

/// A client whose server gives these answers, one for each request, and is down after the last.
#[derive(Clone)]
pub struct Memory {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    start: Instant,
    requests: Arc<Mutex<Vec<Sent>>>,
}

/// A request, and when it was sent.
type Sent = (Duration, Request<Bytes>);

impl Memory {
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = answers.into_iter().collect();
        Self {
            answers: Arc::new(Mutex::new(answers)),
            start: Instant::now(),
            requests: Arc::default(),
        }
    }

    /// Returns when there were requests, in milliseconds since the start.
    pub fn times(&self) -> Vec<u128> {
        self.requests.lock().unwrap().iter().map(|(at, _)| at.as_millis()).collect()
    }

    /// Returns all requests as a program prints them.
    pub fn debug(&self) -> String {
        format!("{:?}", self.requests.lock().unwrap())
    }

    /// Returns the value of a header of each request.
    pub fn headers(&self, name: &str) -> Vec<Option<String>> {
        let requests = self.requests.lock().unwrap();
        let value = |request: &Request<Bytes>| {
            Some(request.headers().get(name)?.to_str().unwrap().to_owned())
        };
        requests.iter().map(|(_, request)| value(request)).collect()
    }
}

impl HttpClient for Memory {
    type Body = Body;
    type Error = io::Error;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, io::Error> {
        self.requests.lock().unwrap().push((self.start.elapsed(), request));
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(Answer::Response(response)) => Ok(response),
            Some(Answer::Silence) => std::future::pending().await,
            None => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

/// Returns a response with status 200 and parts of an event stream, each after a wait in
/// milliseconds.
pub fn events<const N: usize>(parts: [(u64, &'static str); N]) -> Answer {
    let mut response = Response::new(body(parts));
    response.headers_mut().insert(CONTENT_TYPE, "text/event-stream".parse().unwrap());
    Answer::Response(response)
}

/// Returns a body in parts, each after a wait in milliseconds.
pub fn body(
    parts: impl IntoIterator<Item = (u64, &'static str), IntoIter: Send + 'static>,
) -> Body {
    let frames = stream::unfold(parts.into_iter(), async |mut parts| {
        let (wait, part) = parts.next()?;
        if wait > 0 {
            sleep(Duration::from_millis(wait)).await;
        }
        Some((Ok(Frame::data(Bytes::from(part))), parts))
    });
    StreamBody::new(frames).boxed_unsync()
}
