//! Where a redirect leads to.

use eventwire::Url;
use eventwire::ws::socket::Refusal;

/// Returns where the server redirects to, if it does
/// ([RFC 9110, section 15.4](https://www.rfc-editor.org/rfc/rfc9110#section-15.4)).
pub(super) fn location(refusal: &Refusal) -> Option<&str> {
    let is_redirect = matches!(refusal.status(), 301 | 302 | 303 | 307 | 308);
    let location = is_redirect.then(|| refusal.header("location")).flatten()?;
    str::from_utf8(location).ok()
}

/// Returns the URL that a redirect from `url` leads to. Returns `None` if that is not a valid URL,
/// or not encrypted although `url` is.
pub(super) fn resolve(url: &Url<'_>, location: &str) -> Option<String> {
    let location = location.split('#').next().unwrap_or_default();
    let origin = || format!("{}://{}", url.scheme(), url.host_header());
    let target = if has_scheme(location) {
        location.to_owned()
    } else if location.starts_with("//") {
        format!("{}:{location}", url.scheme())
    } else if location.starts_with('/') {
        format!("{}{location}", origin())
    } else if location.starts_with('?') {
        format!("{}{}{location}", origin(), url.target().path())
    } else {
        let folder = url.target().path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{}{folder}/{location}", origin())
    };
    let is_safe = Url::parse(&target).is_ok_and(|it| it.is_encrypted() || !url.is_encrypted());
    is_safe.then_some(target)
}

/// Returns whether a reference is a whole URL
/// ([RFC 3986, section 4.2](https://www.rfc-editor.org/rfc/rfc3986#section-4.2)).
fn has_scheme(reference: &str) -> bool {
    let end = reference.find([':', '/', '?']).unwrap_or(reference.len());
    reference[end..].starts_with(':')
}

/// Returns whether both URLs lead to the same server, which may see the same credentials.
pub(super) fn is_same_server(a: &Url<'_>, b: &Url<'_>) -> bool {
    a.host().eq_ignore_ascii_case(b.host())
        && a.port() == b.port()
        && a.is_encrypted() == b.is_encrypted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_resolved_and_never_less_secure() {
        let table = [
            ("wss://a/b/c?d", "wss://e/f", Some("wss://e/f")),
            ("wss://a/b/c?d", "https://e/f#g", Some("https://e/f")),
            ("wss://a/b/c?d", "ws://a/f", None),
            ("ws://a/b/c?d", "wss://a/f", Some("wss://a/f")),
            ("ws://a:81/b/c?d", "/f?g", Some("ws://a:81/f?g")),
            ("wss://a/b/c", "//e:82/f", Some("wss://e:82/f")),
            ("ws://a/b/c", "f", Some("ws://a/b/f")),
            ("ws://a", "f", Some("ws://a/f")),
            ("ws://a", "ftp://e/", None),
            ("ws://a/b", "/login?next=https://x/", Some("ws://a/login?next=https://x/")),
            ("ws://a/b/c", "?d=e", Some("ws://a/b/c?d=e")),
            ("ws://a/b", "mailto:e", None),
            ("ws://a", "/with space", None),
        ];
        for (from, location, to) in table {
            let url = Url::parse(from).expect("a valid URL");
            assert_eq!(resolve(&url, location).as_deref(), to, "{from} to {location}");
        }
    }
}
