//! Asks a language model, and prints the answer as it comes.
//!
//! `llm http://127.0.0.1:3000/v1/chat 'Why is the sky blue?'` asks over a WebSocket. If none can be
//! opened, the question is sent by POST, and the answer is an event stream. The environment may name
//! a proxy, and `LLM_TOKEN` is the token.
//!
//! The status is 0 after a complete answer, 1 if there is no answer, 2 if the command is wrong, and
//! 3 if the answer was cut, so that only a part of it is printed.

mod answer;

use answer::{Answer, BoxError};
use std::io::{Write, stdout};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(url), Some(question), None) = (args.next(), args.next(), args.next()) else {
        eprintln!("usage: llm URL QUESTION");
        return ExitCode::from(2);
    };
    let mut has_begun = false;
    let result = print_answer(&url, &question, &mut has_begun).await;
    if has_begun {
        println!();
    }
    match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) if has_begun => eprintln!("llm: the answer was cut: {error}"),
        Err(error) => eprintln!("llm: no answer: {error}"),
    }
    ExitCode::from(if has_begun { 3 } else { 1 })
}

async fn print_answer(url: &str, question: &str, has_begun: &mut bool) -> Result<(), BoxError> {
    let mut answer = Answer::to(url, question).await?;
    while let Some(token) = answer.next().await? {
        write!(stdout(), "{token}")?;
        stdout().flush()?;
        *has_begun = true;
    }
    Ok(())
}
