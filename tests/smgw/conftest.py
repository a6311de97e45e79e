"""One gateway that is built once for all tests that put one together."""

from pathlib import Path

import pytest

from tests.smgw.composing import copied, make
from tests.smgw.premises import Premises


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Premises:
    """Built once: nobody changes it."""
    return make(tmp_path_factory.mktemp("built"))


@pytest.fixture
def premises(built: Premises, tmp_path: Path) -> Premises:
    """A copy to spoil."""
    return copied(built, tmp_path / "copy")
