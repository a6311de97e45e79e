"""A console over a real office, and browsers without a screen that keep their cookies."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from admin.web.desk import Console
from tests.admin.bureau import Bureau
from tests.admin.passwords import hash_in_haste
from tests.admin.web.desk import Place, furnished


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A console with one operating gateway, a user of each role, and time that a test moves."""
    hash_in_haste(monkeypatch)
    with furnished(Bureau(tmp_path)) as made:
        yield made


@pytest.fixture
def console(place: Place) -> Console:
    """What the application has."""
    return place.console
