"""A desk with one operating gateway in the inventory; the office is closed, as between two commands."""

import pytest

from tests.admin.bureau import GATEWAY, Bureau
from tests.admin.commands.desk import Desk


@pytest.fixture
def desk(bureau: Bureau) -> Desk:
    """``smgw-admin`` over a bureau; the gateway's address is one where nobody listens."""
    with bureau.office(GATEWAY, port=9):
        pass
    return Desk(bureau)
