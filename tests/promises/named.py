"""Fails if a file names a path that does not exist, or a Markdown file a URL without TLS."""
import pathlib, re, subprocess, sys
from urllib.parse import urlsplit

PATH = re.compile(r"(?<![\w./$-])(?:\.ci|benches|examples|fuzz|src|support|tests|(?:blocking|tokio)/(?:src|tests))/[\w./{},*-]*")
URL = re.compile(r"\b\w+://\w[^\s\"'`<>)\]]+")


def expand(path):
    braces = re.search(r"\{([^{}]*)\}", path)
    if not braces:
        return [path]
    before, after = path[: braces.start()], path[braces.end() :]
    return [p for choice in braces[1].split(",") for p in expand(before + choice + after)]


files = subprocess.run(["git", "ls-files", "-z"], check=True, stdout=subprocess.PIPE, text=True)
found, wrong = 0, []
for name in files.stdout.split("\0")[:-1]:
    if name == ".gitignore":
        continue
    # Some test data is not UTF-8.
    text = pathlib.Path(name).read_text(errors="replace")
    # A path may also be relative to any folder above the file: each package has its own `src`.
    bases = pathlib.Path(name).parents
    for path in (p.rstrip(".,") for match in PATH.findall(text) for p in expand(match)):
        found += 1
        if not any(any(base.glob(path)) for base in bases):
            wrong.append(f"{name}: there is no {path}")
    for url in URL.findall(text) if name.endswith(".md") else ():
        found += 1
        host = urlsplit(url).hostname or ""
        local = host in ("127.0.0.1", "localhost")
        if not local and not (url.startswith(("https://", "wss://")) and "." in host):
            wrong.append(f"{name}: {url}")
print(*wrong, f"{found} paths and URLs, {len(wrong)} wrong", sep="\n")
sys.exit(bool(wrong) or found < 100)
