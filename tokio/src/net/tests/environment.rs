//! Proxies and roots that the environment names. Each case runs in a process of its own, because
//! the variables of a process are shared by its threads.

use super::*;
use std::process::Command;

/// The URL to dial, for the child process.
const URL: &str = "EVENTWIRE_TEST_URL";
/// Whether the child process ignores the environment's proxy.
const NO_PROXY: &str = "EVENTWIRE_TEST_NO_PROXY";

/// The child process. It prints which way it took: the proxies of these tests always refuse.
#[tokio::test]
#[ignore = "the other test runs it"]
async fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let mut options = DialOptions::default();
    if std::env::var_os(NO_PROXY).is_some() {
        options = options.no_proxy();
    }
    let way = match dialled(&url, &options).await {
        Ok(_) => "direct",
        Err(error) if error.proxy_response().is_some() => "proxy",
        Err(error) if error.hop() == Hop::Tls => "untrusted",
        Err(_) => "neither",
    };
    println!("way:{way};");
}

/// Returns the way that a process with these variables takes.
async fn way(url: String, variables: Vec<(&'static str, String)>) -> &'static str {
    let child = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["net::tests::environment::child", "--exact", "--ignored", "--nocapture"]);
        for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
            child.env_remove(name).env_remove(name.to_lowercase());
        }
        for name in ["REQUEST_METHOD", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            child.env_remove(name);
        }
        child.env(URL, url).envs(variables).output().unwrap()
    });
    let output = String::from_utf8(child.await.unwrap().stdout).unwrap();
    ["direct", "proxy", "untrusted", "neither"]
        .into_iter()
        .find(|way| output.contains(&format!("way:{way};")))
        .unwrap_or_else(|| panic!("{output}"))
}

#[tokio::test]
async fn the_rules_are_those_of_reqwest_and_curl() {
    let refusing = serve(async |mut stream: TcpStream| {
        read_head(&mut stream).await;
        let refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(refusal).await.unwrap();
    })
    .await;
    // It speaks no TLS.
    let server = serve(async |mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let proxy = || format!("http://{refusing}");
    let (ws, wss) = (format!("ws://{server}"), format!("wss://{server}"));
    for (url, variables, expected) in [
        (&ws, vec![], "direct"),
        (&ws, vec![("HTTP_PROXY", proxy())], "proxy"),
        (&ws, vec![("http_proxy", proxy())], "proxy"),
        (&ws, vec![("ALL_PROXY", proxy())], "proxy"),
        (&ws, vec![("HTTPS_PROXY", proxy())], "direct"),
        (&wss, vec![("HTTPS_PROXY", proxy())], "proxy"),
        (&wss, vec![("HTTP_PROXY", proxy())], "untrusted"),
        (&ws, vec![("HTTP_PROXY", refusing.to_string())], "proxy"),
        (&ws, vec![("ALL_PROXY", proxy()), ("NO_PROXY", "127.0.0.0/8".into())], "direct"),
        (&ws, vec![("ALL_PROXY", proxy()), ("no_proxy", "*.test,10.0.0.0/8".into())], "proxy"),
        (&ws, vec![("HTTP_PROXY", proxy()), ("REQUEST_METHOD", "GET".into())], "direct"),
        (&ws, vec![("HTTP_PROXY", proxy()), (NO_PROXY, String::new())], "direct"),
        (&ws, vec![("HTTP_PROXY", "http://127.0.0.1:99999".into())], "neither"),
    ] {
        let text = format!("{url} {variables:?}");
        assert_eq!(way(url.clone(), variables).await, expected, "{text}");
    }
}

/// The operating system's roots of Linux are in a file that this variable can name.
#[cfg(all(
    target_os = "linux",
    any(feature = "ring", feature = "aws-lc-rs"),
    any(feature = "native-roots", feature = "platform-verifier"),
))]
#[tokio::test]
async fn the_roots_of_the_operating_system_are_trusted() {
    let identity = tls::Identity::of("127.0.0.1");
    let url = tls::tls_server(identity.acceptor(&["http/1.1"]), Some("http/1.1")).await;
    let url = url.replace("server.test", "127.0.0.1");
    let file = std::env::temp_dir().join(format!("eventwire-roots-{}", std::process::id()));
    std::fs::write(&file, identity.pem()).unwrap();
    let trusting = vec![("SSL_CERT_FILE", file.to_str().unwrap().to_owned())];
    let ways = [way(url.clone(), trusting).await, way(url, vec![]).await];
    std::fs::remove_file(&file).unwrap();
    assert_eq!(ways, ["direct", "untrusted"]);
}
