"""One administrator's office per test, in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from admin.office import Office
from tests.admin.bureau import GATEWAY, Bureau


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    """Configuration, token and certificates; nothing is open. Mark the test with ``token``."""
    made = Bureau(tmp_path)
    yield made
    made.close()


@pytest.fixture
def office(bureau: Bureau) -> Iterator[Office]:
    """An open office with one operating gateway."""
    with bureau.office(GATEWAY) as opened:
        yield opened
