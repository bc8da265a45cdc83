//! URLs: the parts that a program gets, and the URLs that are refused.

use eventwire::{InvalidUrl, Url};

/// The parts of a URL: scheme, whether it is encrypted, host, port, `Host` header and target.
type Parts = (&'static str, bool, &'static str, u16, &'static str, &'static str);

fn parts(url: &'static str) -> Parts {
    let url = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    let target: &'static str = url.target().to_string().leak();
    (url.scheme(), url.is_encrypted(), url.host(), url.port(), url.host_header(), target)
}

#[test]
fn what_a_url_says() {
    for (url, expected) in [
        ("ws://h/", ("ws", false, "h", 80, "h", "/")),
        ("wss://h/", ("wss", true, "h", 443, "h", "/")),
        ("http://h/", ("http", false, "h", 80, "h", "/")),
        ("https://h/", ("https", true, "h", 443, "h", "/")),
        ("WS://127.0.0.1:9107/", ("ws", false, "127.0.0.1", 9107, "127.0.0.1:9107", "/")),
        ("hTTpS://Example.com/", ("https", true, "Example.com", 443, "Example.com", "/")),
        // The path is missing.
        ("ws://h", ("ws", false, "h", 80, "h", "/")),
        ("ws://127.0.0.1:9107?x=1", ("ws", false, "127.0.0.1", 9107, "127.0.0.1:9107", "/?x=1")),
        ("ws://h?", ("ws", false, "h", 80, "h", "/?")),
        ("wss://h?a=/b&c=?@:", ("wss", true, "h", 443, "h", "/?a=/b&c=?@:")),
        // Paths and queries are kept unchanged.
        ("ws://h//a/../b;c?d=[{|}]%20\"'", ("ws", false, "h", 80, "h", "//a/../b;c?d=[{|}]%20\"'")),
        ("ws://h/a@b:1", ("ws", false, "h", 80, "h", "/a@b:1")),
        // The scheme's default port is not sent, nor is an empty one.
        ("ws://h:80/", ("ws", false, "h", 80, "h", "/")),
        ("ws://h:0080", ("ws", false, "h", 80, "h", "/")),
        ("ws://h:443/", ("ws", false, "h", 443, "h:443", "/")),
        ("wss://h:443/", ("wss", true, "h", 443, "h", "/")),
        ("wss://h:80/", ("wss", true, "h", 80, "h:80", "/")),
        ("https://h:65535?", ("https", true, "h", 65535, "h:65535", "/?")),
        ("http://h:/", ("http", false, "h", 80, "h", "/")),
        // IPv6 addresses.
        ("ws://[::1]/", ("ws", false, "::1", 80, "[::1]", "/")),
        ("ws://[::1]:9001?a", ("ws", false, "::1", 9001, "[::1]:9001", "/?a")),
        (
            "wss://[::FFFF:1.2.3.4]:443",
            ("wss", true, "::FFFF:1.2.3.4", 443, "[::FFFF:1.2.3.4]", "/"),
        ),
        (
            "ws://xn--bcher-kva.example/",
            ("ws", false, "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/"),
        ),
        ("ws://my_service:81/", ("ws", false, "my_service", 81, "my_service:81", "/")),
        // A user and password are not part of the host.
        ("ws://user:pw@127.0.0.1:9107/", ("ws", false, "127.0.0.1", 9107, "127.0.0.1:9107", "/")),
        ("ws://user:80@[::1]/", ("ws", false, "::1", 80, "[::1]", "/")),
        ("ws://@h/", ("ws", false, "h", 80, "h", "/")),
        // A fragment is not sent.
        ("http://h/a?b#c?d", ("http", false, "h", 80, "h", "/a?b")),
        ("https://h#/c", ("https", true, "h", 443, "h", "/")),
    ] {
        assert_eq!(parts(url), expected, "{url}");
    }
}

#[test]
fn a_target_is_a_path_and_a_query() {
    for (url, path, query) in [
        ("ws://h", "/", None),
        ("ws://h/", "/", None),
        ("ws://h?", "/", Some("")),
        ("ws://h?a=b?c", "/", Some("a=b?c")),
        ("ws://h/a/b?", "/a/b", Some("")),
        ("ws://h/a?b=/c", "/a", Some("b=/c")),
    ] {
        let target = Url::parse(url).unwrap().target();
        assert_eq!((target.path(), target.query()), (path, query), "{url}");
    }
}

#[test]
fn a_user_and_password() {
    for (url, expected) in [
        ("ws://h/", None),
        ("ws://@h/", None),
        ("ws://:@h/", None),
        ("ws://h/a:b@c", None),
        ("ws://user@h/", Some("user:")),
        ("ws://user:@h/", Some("user:")),
        ("ws://:pw@h/", Some(":pw")),
        ("ws://user:pw@h/", Some("user:pw")),
        ("ws://user:p:w@h/", Some("user:p:w")),
        ("ws://us%65r:p%40%3a%2F%25@h/", Some("user:p@:/%")),
        ("ws://gr%C3%BCn:~!$&'()*+,;=@h/", Some("gr\u{FC}n:~!$&'()*+,;=")),
    ] {
        let credentials = Url::parse(url).unwrap().credentials();
        let bytes = credentials.map(|it| it.bytes().collect::<Vec<_>>());
        assert_eq!(bytes.as_deref(), expected.map(str::as_bytes), "{url}");
    }
    let shown = format!("{:?}", Url::parse("ws://user:secret@h/").unwrap());
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn a_url_that_is_refused_says_where() {
    let character = |offset| InvalidUrl::Character { offset };
    let credentials = |offset| InvalidUrl::Credentials { offset };
    let host = |offset| InvalidUrl::Host { offset };
    let port = |offset| InvalidUrl::Port { offset };
    let fragment = |offset| InvalidUrl::Fragment { offset };
    for (url, expected) in [
        ("", InvalidUrl::Scheme),
        ("h", InvalidUrl::Scheme),
        ("h/a", InvalidUrl::Scheme),
        ("h:80", InvalidUrl::Scheme),
        ("://h/", InvalidUrl::Scheme),
        ("//h/", InvalidUrl::Scheme),
        ("ftp://h/", InvalidUrl::Scheme),
        ("wsss://h/", InvalidUrl::Scheme),
        ("ws:h", InvalidUrl::Scheme),
        ("ws:/h", InvalidUrl::Scheme),
        ("ws:\\\\h", InvalidUrl::Scheme),
        ("h/?url=ws://h", InvalidUrl::Scheme),
        // Characters that are not allowed anywhere.
        (" ws://h/", character(0)),
        ("ws://h/ ", character(7)),
        ("ws://h/a b", character(8)),
        ("ws://h/a\tb", character(8)),
        ("ws://h/a\r\nHost: b", character(8)),
        ("ws://h/\0", character(7)),
        ("ws://h/\x7F", character(7)),
        ("ws://h /", character(6)),
        ("ws://b\u{FC}cher.example/", character(6)),
        ("ws://h/gr\u{FC}n", character(9)),
        ("ws://u\u{FC}@h/", character(6)),
        ("ftp://h/ ", character(8)),
        // Hosts.
        ("ws://", host(5)),
        ("ws:///a", host(5)),
        ("ws://?a", host(5)),
        ("ws://:80/", host(5)),
        ("ws://u@/", host(7)),
        ("ws://u:p@:80/", host(9)),
        ("ws://h\\a", host(6)),
        ("ws://a%41/", host(6)),
        ("ws://a,b/", host(6)),
        ("ws://a|b/", host(6)),
        ("ws://::1/", host(5)),
        ("ws://[::1/", host(6)),
        ("ws://[]/", host(6)),
        ("ws://[::1]a/", host(10)),
        ("ws://[1.2.3.4]/", host(6)),
        ("ws://[fe80::1%25eth0]/", host(6)),
        // Ports.
        ("ws://h:x/", port(7)),
        ("ws://h:8x/", port(8)),
        ("ws://h:-1/", port(7)),
        ("ws://h:1:2/", port(8)),
        ("ws://h:65536/", port(7)),
        ("ws://u@[::1]:99999999999999999999/", port(13)),
        // Users and passwords.
        ("ws://u@v@h/", credentials(6)),
        ("ws://u:p@w@h/", credentials(8)),
        ("ws://good.example\\@h/", credentials(17)),
        ("ws://u:[p]@h/", credentials(7)),
        ("ws://u%:p@h/", credentials(6)),
        ("ws://u:%4@h/", credentials(7)),
        ("ws://u:%zz@h/", credentials(7)),
        ("ws://u:%+4@h/", credentials(7)),
        ("ws://u%3Av:p@h/", credentials(6)),
        ("ws://u:p%0D%0A@h/", credentials(8)),
        ("ws://u:p%7f@h/", credentials(8)),
        // Fragments of a WebSocket URL.
        ("ws://h/#", fragment(7)),
        ("wss://u@h:80/a?b#c", fragment(16)),
        ("WS://h#", fragment(6)),
        ("ws://u@h#a@b", fragment(8)),
    ] {
        let error = Url::parse(url).unwrap_err();
        assert_eq!(error, expected, "{url:?}");
        let said = error.to_string();
        assert!(error == InvalidUrl::Scheme || said.contains(&format!("byte {}", error.offset())));
        assert!(error.offset() <= url.len());
    }
}

/// The parts of any accepted URL make up the same URL again, and nothing breaks out of a line.
#[test]
fn whatever_the_pieces() {
    let pieces = [
        "ws://", "http://", "h", "[::1]", ":", "80", "@", "%41", "%", "/", "?", "#", " ", "\u{FC}",
    ];
    let mut taken = 0;
    for number in 0..pieces.len().pow(4) * 2 {
        let start = pieces[number % 2];
        let rest = (0..4).map(|at| pieces[number / 2 / pieces.len().pow(at) % pieces.len()]);
        let text: String = [start].into_iter().chain(rest).collect();
        let Ok(url) = Url::parse(&text) else { continue };
        taken += 1;
        let again = format!("{}://{}{}", url.scheme(), url.host_header(), url.target());
        let again = Url::parse(&again).unwrap_or_else(|error| panic!("{text}: {again}: {error}"));
        assert_eq!(
            (again.host(), again.port(), again.target().to_string()),
            (url.host(), url.port(), url.target().to_string()),
            "{text}"
        );
        assert!(text.contains(url.host()) && url.target().to_string().starts_with('/'));
    }
    assert!(taken > 1000, "{taken}");
}
