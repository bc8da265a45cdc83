"""Compares the crates that PLATFORMS.md counts for each feature with what cargo resolves."""
import json, pathlib, re, subprocess, sys


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def crates(package, edges, features):
    target = ["--target", "x86_64-unknown-linux-gnu"]
    tree = cargo("tree", "--quiet", "--package", package, *target, "--edges", edges, "--prefix", "none", *features)
    return {tuple(line.split()[:2]) for line in tree.splitlines()[1:]}


def tier(package, *features):
    linked = crates(package, "normal,no-proc-macro", features)
    return linked, crates(package, "normal,build", features) - linked


metadata = json.loads(cargo("metadata", "--no-deps", "--format-version", "1"))
packages = {package["name"]: package for package in metadata["packages"]}
platforms = pathlib.Path("PLATFORMS.md").read_text()
actual, stated = {}, {}
for package in ["eventwire", "eventwire-tokio", "eventwire-blocking"]:
    tiers = {"none": tier(package, "--no-default-features"), "default": tier(package), "all": tier(package, "--all-features")}
    for name in packages[package]["features"].keys() - {"default"}:
        tiers[f"`{name}`"] = tier(package, "--no-default-features", "--features", name)
    actual |= {(package, name): f"{len(linked)} + {len(building)}" for name, (linked, building) in tiers.items()}
    if package == "eventwire":
        # List the core's crates by name, because another crate there is a breaking change.
        actual[package, "the core"] = [sorted(name for name, _ in group) for group in tiers["none"]]
    # The package's table begins with its name.
    rows = re.search(rf"^\| feature of `{package}` \|(?:.*\n){{2}}((?:\|.*\n)*)", platforms, re.M)[1].splitlines()
    stated |= {(package, cells[1]): cells[-2] for cells in (re.split(r" *\| *", row) for row in rows)}
core = re.search(r"The core's are (.*?); while building (.*?)\.", " ".join(platforms.split()))
stated["eventwire", "the core"] = core and [sorted(re.findall("`(.*?)`", names)) for names in core.groups()]

wrong = [name for name in sorted(actual | stated) if actual.get(name) != stated.get(name)]
for name in wrong:
    print(f"{': '.join(name)}: {actual.get(name)}, but PLATFORMS.md says {stated.get(name)}")
print(f"{len(actual)} tiers, {len(wrong)} wrong")
sys.exit(bool(wrong))
