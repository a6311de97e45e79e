"""A gateway that comes when it is woken, and the server that has it do everything: in another process, as in life."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.admin.bureau import GATEWAY
from tests.admin.commands.desk import Desk
from tests.admin.other_process import serving


@contextmanager
def open_line(desk: Desk, answer: str = "done") -> Iterator[None]:
    """From now on the gateway comes; ``answer`` is done, refused, or nothing for one that comes and says nothing."""
    with serving(desk.bureau.file, answer) as port:
        desk("gateways", "address", GATEWAY.text, "127.0.0.1", str(port))
        desk.real = True
        try:
            yield
        finally:
            desk.real = False
