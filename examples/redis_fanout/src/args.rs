//! The command line.

use std::time::Duration;

pub(crate) const USAGE: &str = "\
usage: redis_fanout [--history N] [--length N] [--keep-alive SECONDS] [ADDRESS] [REDIS_URL]
  ADDRESS       the address to listen on, by default 127.0.0.1:3000
  REDIS_URL     the URL of Redis, by default redis://127.0.0.1:6379/
  --history     the number of entries that this server holds, by default 1024
  --length      the approximate number of entries that Redis holds, by default 100000
  --keep-alive  the time without an event until a keep-alive is sent, by default 15";

pub(crate) struct Args {
    pub(crate) address: String,
    pub(crate) redis: String,
    pub(crate) history: usize,
    pub(crate) length: usize,
    pub(crate) keep_alive: Duration,
}

/// Returns `None` if the user asked for help.
pub(crate) fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut places = Vec::new();
    let mut args = Args {
        address: "127.0.0.1:3000".to_owned(),
        redis: "redis://127.0.0.1:6379/".to_owned(),
        history: 1024,
        length: 100_000,
        keep_alive: Duration::from_secs(15),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("help") | Short('h') => return Ok(None),
            Long("history") => args.history = parser.value()?.parse()?,
            Long("length") => args.length = parser.value()?.parse()?,
            Long("keep-alive") => {
                args.keep_alive = Duration::from_secs(parser.value()?.parse()?);
            }
            Value(value) if places.len() < 2 => places.push(value.string()?),
            _ => return Err(arg.unexpected()),
        }
    }
    let mut places = places.into_iter();
    args.address = places.next().unwrap_or(args.address);
    args.redis = places.next().unwrap_or(args.redis);
    Ok(Some(args))
}
