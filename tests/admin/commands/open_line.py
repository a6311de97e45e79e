"""A gateway that comes when it is woken, and the server that has it do everything: in another process, as in life."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.admin.bureau import GATEWAY
from tests.admin.commands.desk import Desk
from tests.admin.other_process import ROOT


@contextmanager
def open_line(desk: Desk, answer: str = "done") -> Iterator[None]:
    """From now on the gateway comes; ``answer`` is done, refused, or nothing for one that comes and says nothing."""
    command = [sys.executable, "-m", "tests.admin.other_process", "serve", str(desk.bureau.file), answer]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdout is not None
        port = serving.stdout.readline().strip()
        try:
            desk("gateways", "address", GATEWAY.text, "127.0.0.1", port)
            desk.real = True
            yield
        finally:
            desk.real = False
            _, errors = serving.communicate()
    assert (errors, serving.returncode) == ("", 0)
