"""`make package`: the functions as they are deployed, and a template that needs no SAM to deploy them.

    python infra/package.py                          # arm64, where its standard library is installed, and x86_64
    python infra/package.py --architecture x86_64

Puts zips into target/package/ARCHITECTURE/NAME/bootstrap.zip, writes target/package/template.yaml, which is
infra/template.yaml with these zips and their architecture, and what was made into target/reports/package.json. Fails if a function needs a newer
glibc than its runtime has.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from pathlib import Path

from glibc import machine, newest_glibc

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / ".tools" / "venv" / "bin"
PACKAGES = ROOT / "target" / "package"
REPORT = ROOT / "target" / "reports" / "package.json"
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
HERE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())

# Of provided.al2023, which is Amazon Linux 2023 (its release notes list glibc 2.34 throughout; "Introducing the Amazon
# Linux 2023 runtime for AWS Lambda", AWS Compute Blog).
GLIBC = (2, 34)

# What `make bench` measures the starts of the others against. It is built for this machine, with the same flags, and not
# deployed.
FLOOR = "hello"

CODE = re.compile(r"^( *CodeUri: *)(\S.*?) *$", re.MULTILINE)
OF_A_FUNCTION = re.compile(r"\.\./functions/([a-z0-9-]+)/?")
ARCHITECTURE = re.compile(r"^  Architecture:\n(?:    .*\n)+", re.MULTILINE)
ITS_REFERENCE = "!Ref Architecture"


def functions(template):
    """The functions of a template, by their binaries' names. ValueError if one has code from elsewhere, or one is twice."""
    code = [uri for _, uri in CODE.findall(template)]
    strange = [uri for uri in code if not OF_A_FUNCTION.fullmatch(uri)]
    if strange or len(set(code)) != len(code) or not code:
        raise ValueError(f"each function's CodeUri has to be its own ../functions/NAME; there is {', '.join(code) or 'none'}")
    return [OF_A_FUNCTION.fullmatch(uri)[1] for uri in code]


def with_code(template, code):
    """The template with the code of each function in another place; `code(name)` says where, seen from the new template."""
    functions(template)
    return CODE.sub(lambda found: found[1] + str(code(OF_A_FUNCTION.fullmatch(found[2])[1])), template)


def for_architecture(template, architecture):
    """The template with this architecture in the place of its parameter. A parameter would keep its value when a stack is
    updated, whatever the new packages were built for."""
    without, count = ARCHITECTURE.subn("", template)
    if count != 1 or ITS_REFERENCE not in without:
        raise ValueError(f"there has to be one parameter Architecture, and a {ITS_REFERENCE}; there are {count}")
    changed = without.replace(ITS_REFERENCE, architecture)
    if left := re.findall(r".*\bArchitecture\b.*", changed):
        raise ValueError(f"something else refers to the parameter Architecture: {'; '.join(left)}")
    return changed


def is_installed(target):
    """Whether the standard library for a target is there."""
    command = ["rustc", "--print", "target-libdir", "--target", target]
    folder = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return Path(folder).is_dir() and any(Path(folder).iterdir())


def build(names, architecture):
    binaries = [*names, FLOOR] if architecture == HERE else names
    command = [TOOLS / "cargo-lambda", "lambda", "build", "--release", "--locked", "--output-format", "zip"]
    # Whether the target is installed has been looked at, and without rustup.
    command += ["--skip-target-check", "--target", TARGETS[architecture], "--lambda-dir", PACKAGES / architecture]
    command += ["--include", "infra/amazon-roots.pem"]
    command += [argument for name in binaries for argument in ("--bin", name)]
    # cargo-lambda looks for its linker, zig, on the path.
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    # AWS-LC would measure the processor's jitter for some 35 ms at each start, to add to what the kernel gives; the kernel of
    # a Lambda has been seeded long before.
    environment["AWS_LC_SYS_NO_JITTER_ENTROPY"] = "1"
    subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, check=True)


def facts(name, architecture):
    """What was made: sizes in bytes, the glibc that it needs, and what is wrong with it, if anything is."""
    path = PACKAGES / architecture / name / "bootstrap.zip"
    with zipfile.ZipFile(path) as archive:
        binary = archive.read("bootstrap")
    glibc, built_for = newest_glibc(binary), machine(binary)
    wrong = None
    if built_for != architecture:
        wrong = f"it is built for {built_for}"
    elif glibc and glibc > GLIBC:
        wrong = f"it needs a glibc that provided.al2023 does not have ({text(GLIBC)})"
    return {
        "name": name,
        "architecture": architecture,
        "zip_bytes": path.stat().st_size,
        "binary_bytes": len(binary),
        "glibc": glibc and text(glibc),
        "wrong": wrong,
    }


def text(version):
    return ".".join(map(str, version))


def table(made):
    yield f"{'function':<18}{'for':<9}{'zip':>10}{'program':>12}   needs glibc (the runtime's is {text(GLIBC)})"
    for it in made:
        sizes = f"{it['zip_bytes'] / 1e6:>7.2f} MB{it['binary_bytes'] / 1e6:>9.2f} MB"
        wrong = f"  WRONG: {it['wrong']}" if it["wrong"] else ""
        yield f"{it['name']:<18}{it['architecture']:<9}{sizes}   {it['glibc'] or 'none'}{wrong}"


def packaged(template, architecture):
    """The template with the zips for this architecture, to stand in target/package."""
    return with_code(for_architecture(template, architecture), lambda name: f"{architecture}/{name}/bootstrap.zip")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", choices=TARGETS, action="append", help="only this one")
    chosen = parser.parse_args().architecture or list(TARGETS)
    template = (ROOT / "infra" / "template.yaml").read_text()
    names = functions(template)
    skipped = [it for it in chosen if not is_installed(TARGETS[it])]
    built = [it for it in chosen if it not in skipped]
    for architecture in skipped:
        print(f"{architecture} is skipped: it needs `rustup target add {TARGETS[architecture]}`", flush=True)
    for architecture in built:
        build(names, architecture)
    made = [facts(name, architecture) for architecture in built for name in names]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps({"functions": made, "skipped": skipped}, indent=2) + "\n")
    print("\n".join(table(made)))
    if any(it["wrong"] for it in made):
        sys.exit(1)
    if built:
        (PACKAGES / "template.yaml").write_text(packaged(template, built[0]))
        print(f"target/package/template.yaml deploys those for {built[0]}")


if __name__ == "__main__":
    main()
