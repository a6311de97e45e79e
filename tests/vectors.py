"""Where the published vectors lie: data of others, read in place and never copied into the project."""

import os
from pathlib import Path

import pytest


def vectors_folder(name: str) -> Path:
    """The folder of one kind of vectors (``iec62056``, ...); skips the calling test or module where it is absent."""
    root = Path(os.environ.get("SMGW_VECTORS", Path(__file__).parents[1] / ".." / "shared" / "vectors"))
    folder = root.resolve() / name
    if not folder.is_dir():
        pytest.skip(f"published vectors not found at {folder} (set SMGW_VECTORS)", allow_module_level=True)
    return folder
