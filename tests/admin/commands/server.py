"""The command line against a running server and a gateway that waits for wake-ups."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from admin.__main__ import main
from admin.config import Configuration
from admin.inventory import LifeCycle
from admin.session import Environment
from tests.admin.server_world import Gateway, World, clock, world


class Desk:
    """Runs ``smgw-admin`` in this process; the office that is open here is the one that each command gets."""

    def __init__(self, here: World, device: Gateway) -> None:
        self.here = here
        self.device = device

    def run(self, *arguments: str | Path, code: int = 0) -> Result:
        environment = Environment(clock, time.monotonic, time.sleep, os.urandom)
        result = CliRunner().invoke(main, [str(each) for each in arguments], obj=environment)
        assert result.exit_code == code, (result.exit_code, result.output, result.exception)
        return result

    def json(self, *arguments: str | Path) -> Any:
        """The objects that a command printed, one per line."""
        return [json.loads(line) for line in self.run(*arguments, "--json").stdout.splitlines()]


@contextmanager
def desk(folder: Path, monkeypatch: Any, *, seal: bool = False) -> Iterator[Desk]:
    with world(folder) as here:
        device = Gateway(here, here.keys(seal=seal))
        with device.asleep(here.server().ports[0]) as wake_port:
            state = LifeCycle.DELIVERED if seal else LifeCycle.OPERATING
            here.add(device.keys, state, seal=seal, wake_port=wake_port)
            # A token is open once in a process: commands share the server's office, which closes with the world.
            monkeypatch.setattr("admin.session.Office", lambda *_, **__: _Shared(here))
            monkeypatch.setattr(Configuration, "load", classmethod(lambda *_: here.office.configuration))
            yield Desk(here, device)


class _Shared:
    def __init__(self, here: World) -> None:
        self._office = here.office

    def __enter__(self) -> Any:
        return self._office

    def __exit__(self, *_: object) -> None:
        """The world closes it."""
