"""What program this is: its version, and one hash over every file of it that is installed.

Decides how the hash is made: SHA-256 over the packages' files in the order of their names, each with its name and its
length, so that neither moving nor joining files leaves it as it was. Compiled copies are left out: they follow from the
sources. The administrator compares it with what was released (PP-0073 FPT_TST.1: integrity of the gateway's software).
"""

import hashlib
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "smart-meter-gateway"
PACKAGES = ("han_web", "pki", "proof", "smgw", "wire")
"""Everything of ours that runs in a gateway."""


def version() -> str:
    """The version of the installed distribution; empty where it was never installed."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return ""


def program_hash(folder: Path | None = None) -> str:
    """Lower-case hexadecimal SHA-256 of the packages below ``folder`` (where this file is). Raises OSError.

    PP-0073 FCS_COP.1/HASH.
    """
    root = Path(__file__).parents[1] if folder is None else folder
    total = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*"), key=lambda one: one.relative_to(root).as_posix()):
            if path.is_file() and path.suffix != ".pyc":
                name, content = path.relative_to(root).as_posix().encode(), path.read_bytes()
                total.update(b"%d %s %d\n" % (len(name), name, len(content)) + content)
    return total.hexdigest()
