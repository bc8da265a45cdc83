//! Asks a language model, and prints its answer as it comes: `llm_chat URL`, with `API_KEY`.

use eventwire_tokio::sse::RequestBuilderExt;
use serde_json::{Value, json};
use std::io::Write;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("usage: llm_chat URL")?;
    let question = json!({"stream": true, "messages": [{"role": "user", "content": "Hi"}]});
    let request = reqwest::Client::new().post(url).bearer_auth(std::env::var("API_KEY")?);
    let mut tokens = request.json(&question).events().until("[DONE]");
    while let Some(event) = tokens.next().await {
        if let Err(error) = &event
            && let Some(refusal) = error.refusal()
        {
            eprintln!("{}: {}", refusal.status(), String::from_utf8_lossy(refusal.body()));
        }
        let chunk: Value = serde_json::from_str(&event?.data)?;
        if let Some(text) = chunk["choices"][0]["delta"]["content"].as_str() {
            print!("{text}");
            std::io::stdout().flush()?;
        }
    }
    println!();
    Ok(())
}
