//! Events as servers send them.

pub fn openai() -> String {
    openai_token(" stream")
}

pub fn openai_non_ascii() -> String {
    openai_token(" \u{6D41}\u{308C}")
}

fn openai_token(token: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-9vXbWq3JmZ1rT5kP0aYcE7sLdH2uQ\",\
         \"object\":\"chat.completion.chunk\",\
         \"created\":1732147200,\"model\":\"gpt-4o-mini\",\"system_fingerprint\":\"fp_0aa8d3e20b\",\
         \"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{token}\"}},\
         \"finish_reason\":null}}]}}\n\n"
    )
}

pub fn anthropic() -> String {
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
     \"delta\":{\"type\":\"text_delta\",\"text\":\" event stream\"}}\n\n"
        .into()
}

pub fn with_id() -> String {
    format!("id: 1732147200-0\r\nevent: update\r\ndata: {}\r\n\r\n", "y".repeat(1024))
}

pub fn lines() -> String {
    format!("data: {}\n", "x".repeat(60)).repeat(20) + "\n"
}

pub fn comments() -> String {
    ": ping - 2026-11-21 00:00:00.000000+00:00\r\n\r\n".repeat(4) + "data: 1\r\n\r\n"
}
