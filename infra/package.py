"""`make package`: the functions in their deployed form, and a template that deploys them without SAM.

    python infra/package.py                          # arm64, if its standard library is installed, and x86_64
    python infra/package.py --architecture x86_64

Writes the zips to target/package/ARCHITECTURE/NAME/bootstrap.zip; the template, which is infra/template.yaml with these zips and
their architecture, to target/package/template.yaml; and the facts of each zip to target/reports/package.json. Fails if a function
needs a newer glibc than its runtime has.
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

# The glibc of provided.al2023, which is Amazon Linux 2023 (its release notes list glibc 2.34 throughout; "Introducing the Amazon
# Linux 2023 runtime for AWS Lambda", AWS Compute Blog).
GLIBC = (2, 34)

# The function whose start `make bench` compares with the starts of the others. The build is for this machine, with the same flags,
# and is not deployed.
FLOOR = "hello"

CODE = re.compile(r"^( *CodeUri: *)(\S.*?) *$", re.MULTILINE)
FUNCTION_CODE = re.compile(r"\.\./functions/([a-z0-9-]+)/?")
ARCHITECTURE = re.compile(r"^  Architecture:\n(?:    .*\n)+", re.MULTILINE)
REFERENCE = "!Ref Architecture"


def functions(template):
    """The functions of a template, by their binaries' names. ValueError if one has code from another folder, or appears twice."""
    code = [uri for _, uri in CODE.findall(template)]
    invalid = [uri for uri in code if not FUNCTION_CODE.fullmatch(uri)]
    if invalid or len(set(code)) != len(code) or not code:
        found = ", ".join(code) or "no CodeUri"
        raise ValueError(f"each function's CodeUri must be its own ../functions/NAME; the template has {found}")
    return [FUNCTION_CODE.fullmatch(uri)[1] for uri in code]


def with_code(template, code):
    """The template with another location for each function's code; `code(name)` returns it, relative to the new template."""
    functions(template)
    return CODE.sub(lambda found: found[1] + str(code(FUNCTION_CODE.fullmatch(found[2])[1])), template)


def for_architecture(template, architecture):
    """The template with this architecture in place of its parameter. A parameter would keep its value in an update of the
    stack, even if the new packages were built for another architecture."""
    without, count = ARCHITECTURE.subn("", template)
    if count != 1 or REFERENCE not in without:
        raise ValueError(f"the template must have one parameter Architecture, and a {REFERENCE}; it has {count} such parameters")
    changed = without.replace(REFERENCE, architecture)
    if left := re.findall(r".*\bArchitecture\b.*", changed):
        raise ValueError(f"other lines refer to the parameter Architecture: {'; '.join(left)}")
    return changed


def is_installed(target):
    """Whether the standard library for a target is installed."""
    command = ["rustc", "--print", "target-libdir", "--target", target]
    folder = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return Path(folder).is_dir() and any(Path(folder).iterdir())


def build(names, architecture):
    binaries = [*names, FLOOR] if architecture == HERE else names
    command = [TOOLS / "cargo-lambda", "lambda", "build", "--release", "--locked", "--output-format", "zip"]
    # This script has already checked the target, without rustup.
    command += ["--skip-target-check", "--target", TARGETS[architecture], "--lambda-dir", PACKAGES / architecture]
    command += ["--include", "infra/amazon-roots.pem"]
    # By package: with the whole workspace selected, the functions would get the features that only the command line needs.
    command += [argument for name in binaries for argument in ("--package", name, "--bin", name)]
    # cargo-lambda searches the path for its linker, zig.
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    # AWS-LC would measure the processor's jitter for some 35 ms at each start, in addition to the kernel's entropy. The kernel
    # of a Lambda is seeded long before.
    environment["AWS_LC_SYS_NO_JITTER_ENTROPY"] = "1"
    subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, check=True)


def facts(name, architecture):
    """The facts of a zip: sizes in bytes, the glibc that the program needs, and the error, if there is one."""
    path = PACKAGES / architecture / name / "bootstrap.zip"
    with zipfile.ZipFile(path) as archive:
        binary = archive.read("bootstrap")
    glibc, built_for = newest_glibc(binary), machine(binary)
    wrong = None
    if built_for != architecture:
        wrong = f"the program is built for {built_for}"
    elif glibc and glibc > GLIBC:
        wrong = f"the program needs a glibc that provided.al2023 does not have ({text(GLIBC)})"
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


def table(packages):
    yield f"{'function':<18}{'for':<9}{'zip':>10}{'program':>12}   needs glibc (the runtime's is {text(GLIBC)})"
    for it in packages:
        sizes = f"{it['zip_bytes'] / 1e6:>7.2f} MB{it['binary_bytes'] / 1e6:>9.2f} MB"
        wrong = f"  WRONG: {it['wrong']}" if it["wrong"] else ""
        yield f"{it['name']:<18}{it['architecture']:<9}{sizes}   {it['glibc'] or 'none'}{wrong}"


def packaged(template, architecture):
    """The template with the zips for this architecture, for the folder target/package."""
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
        print(f"{architecture} is skipped: run `rustup target add {TARGETS[architecture]}`", flush=True)
    for architecture in built:
        build(names, architecture)
    packages = [facts(name, architecture) for architecture in built for name in names]
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps({"functions": packages, "skipped": skipped}, indent=2) + "\n")
    print("\n".join(table(packages)))
    if any(it["wrong"] for it in packages):
        sys.exit(1)
    if built:
        (PACKAGES / "template.yaml").write_text(packaged(template, built[0]))
        print(f"target/package/template.yaml deploys the packages for {built[0]}")


if __name__ == "__main__":
    main()
