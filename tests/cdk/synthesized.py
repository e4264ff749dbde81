"""The example of the CDK construct, synthesised by its compiled program, without the CDK's command line."""

import os
import shutil
import subprocess
from pathlib import Path

CDK = Path(__file__).resolve().parents[2] / "infra" / "cdk"
PROGRAM = CDK / "lib" / "examples" / "web.js"
# The reason to skip a test, or None.
MISSING = None if PROGRAM.exists() and shutil.which("node") else "the construct is not compiled: it needs Node.js, npm and a registry"


def synthesize(folder):
    """Writes the cloud assembly of the example into the folder, and returns the path of its template."""
    subprocess.run(["node", PROGRAM], check=True, env={**os.environ, "CDK_OUTDIR": str(folder)}, timeout=120)
    return Path(folder) / "web.template.json"
