"""The page that checks proofs, as a file to hand out: the customer's page offers it, and it runs on its own.

Decides nothing: what it is stands in docs/proof.md, how it is built in ``tools/proof-page``.
"""

from functools import lru_cache
from importlib.resources import files
from typing import Final

NAME: Final = "verify.html"
MEDIA_TYPE: Final = "text/html; charset=utf-8"


@lru_cache
def page() -> bytes:
    """The whole file."""
    return files("proof").joinpath("page", NAME).read_bytes()
