"""`make package-cli`: the command line as one program for each architecture, which runs on every Linux since 2014.

    python infra/package_cli.py                          # each architecture whose standard library is installed
    python infra/package_cli.py --architecture x86_64

Writes target/package/ARCHITECTURE/envkeeper. Fails if a program needs a glibc newer than 2.17, which CentOS 7 has.
"""

import argparse
import os
import shutil
import subprocess
import sys

from glibc import machine, newest_glibc
from package import PACKAGES, ROOT, TARGETS, TOOLS, is_installed, text

NAME = "envkeeper"

# The glibc that zig links against, by the suffix of the target (cargo-zigbuild, "Specify glibc version").
GLIBC = (2, 17)

# A folder of its own: another linker target would compile the dependencies of the functions again.
BUILD = ROOT / "target" / "cli"


def build(architecture):
    """Builds the program, and returns its path."""
    folder = BUILD / "programs" / architecture
    command = [TOOLS / "cargo-lambda", "lambda", "build", "--release", "--locked", "--output-format", "binary"]
    # Without the optimizations for Lambda's processors: the program runs on older ones too.
    command += ["--disable-optimizations", "--skip-target-check", "--target", f"{TARGETS[architecture]}.{text(GLIBC)}"]
    command += ["--target-dir", BUILD, "--lambda-dir", folder, "--package", NAME, "--bin", NAME]
    # cargo-lambda searches the path for its linker, zig.
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, check=True)
    program = PACKAGES / architecture / NAME
    program.parent.mkdir(parents=True, exist_ok=True)
    return shutil.copy(folder / NAME / "bootstrap", program)


def problem(program, architecture):
    """The reason why a program cannot be used; None if it can."""
    built_for, glibc = machine(program), newest_glibc(program)
    if built_for != architecture:
        return f"it is built for {built_for}"
    if glibc and glibc > GLIBC:
        return f"it needs glibc {text(glibc)}; valid is {text(GLIBC)} or older"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--architecture", choices=TARGETS, action="append", help="only this one")
    chosen = parser.parse_args().architecture or list(TARGETS)
    failed = False
    for architecture in chosen:
        if not is_installed(TARGETS[architecture]):
            print(f"{architecture} is skipped: run `rustup target add {TARGETS[architecture]}`", flush=True)
            continue
        path = build(architecture)
        program = path.read_bytes()
        wrong = problem(program, architecture)
        failed = failed or wrong is not None
        needs = text(newest_glibc(program) or ()) or "none"
        print(f"{path.relative_to(ROOT)}: {len(program) / 1e6:.1f} MB, needs glibc {needs}{f'  WRONG: {wrong}' if wrong else ''}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
