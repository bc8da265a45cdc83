"""Compares the crates that PLATFORMS.md counts for each feature with what cargo resolves."""
import json, pathlib, re, subprocess, sys


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def crates(edges, features):
    target = ["--target", "x86_64-unknown-linux-gnu"]
    tree = cargo("tree", "--quiet", *target, "--edges", edges, "--prefix", "none", *features)
    return {tuple(line.split()[:2]) for line in tree.splitlines()[1:]}


def tier(*features):
    linked = crates("normal,no-proc-macro", features)
    return linked, crates("normal,build", features) - linked


packages = json.loads(cargo("metadata", "--no-deps", "--format-version", "1"))["packages"]
package = next(package for package in packages if package["name"] == "eventwire")
tiers = {"none": tier("--no-default-features"), "default": tier(), "all": tier("--all-features")}
for name in package["features"].keys() - {"default"}:
    tiers[f"`{name}`"] = tier("--no-default-features", "--features", name)
actual = {name: f"{len(linked)} + {len(building)}" for name, (linked, building) in tiers.items()}
# List the core's crates by name, because another crate there is a breaking change.
actual["the core"] = [sorted(name for name, _ in group) for group in tiers["none"]]

platforms = pathlib.Path("PLATFORMS.md").read_text()
rows = re.search(r"^\| feature \|(?:.*\n){2}((?:\|.*\n)*)", platforms, re.M)[1].splitlines()
stated = {cells[1]: cells[-2] for cells in (re.split(r" *\| *", row) for row in rows)}
core = re.search(r"The core's are (.*?); while building (.*?)\.", " ".join(platforms.split()))
stated["the core"] = core and [sorted(re.findall("`(.*?)`", names)) for names in core.groups()]

wrong = [name for name in sorted(actual | stated) if actual.get(name) != stated.get(name)]
for name in wrong:
    print(f"{name}: {actual.get(name)}, but PLATFORMS.md says {stated.get(name)}")
print(f"{len(actual)} tiers, {len(wrong)} wrong")
sys.exit(bool(wrong))
