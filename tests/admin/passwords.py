"""Passwords whose hashes cost next to nothing: what a guess costs is told in one test, and paid in no other."""

from functools import cache

import pytest
from werkzeug.security import generate_password_hash

PASSWORD = "correct horse battery"
METHOD = "scrypt:128:8:1"
"""As the console's, with little memory: a guess takes a two-hundredth of the time."""


@cache
def hastily() -> str:
    """What is kept of :data:`PASSWORD`."""
    return generate_password_hash(PASSWORD, METHOD)


def hash_in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process hashes during a test is hashed like that."""
    monkeypatch.setattr("admin.users.METHOD", METHOD)
