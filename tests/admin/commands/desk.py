"""The command line as a person at the administrator's desk uses it: real arguments, real output, real exit codes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from click.testing import CliRunner, Result

from admin.__main__ import main
from admin.exit import Exit
from admin.session import Environment
from tests.admin.bureau import Bureau, FakeTime, StandingTime


@dataclass
class Desk:
    """Runs ``smgw-admin`` in a bureau whose clocks only go on while somebody waits; on a ``line`` it waits really."""

    bureau: Bureau
    fake: FakeTime = field(default_factory=FakeTime)
    line: StandingTime | None = None
    ready: Callable[[], object] = lambda: None
    """What each command waits for before it begins."""

    def environment(self) -> Environment:
        if self.line is not None:
            return Environment(lambda: self.bureau.now, self.line.monotonic, self.line.sleep, random_octets)
        return Environment(self.fake.clock, self.fake.monotonic, self.fake.sleep, random_octets)

    def __call__(self, *arguments: str, code: int = Exit.DONE, text: str | None = None) -> Result:
        """Run one command; its exit code must be ``code``."""
        self.ready()
        options = ["--config", str(self.bureau.file)]
        result = CliRunner().invoke(main, [*arguments, *options], obj=self.environment(), input=text)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        return result

    def lines(self, *arguments: str, code: int = Exit.DONE) -> list[dict[str, Any]]:
        """Run one command with ``--json``; each line is an object."""
        return [json.loads(line) for line in self(*arguments, "--json", code=code).stdout.splitlines()]

    def one(self, *arguments: str, code: int = Exit.DONE) -> dict[str, Any]:
        """The one object that a command tells."""
        (found,) = self.lines(*arguments, code=code)
        return found


def random_octets(count: int) -> bytes:
    """Not random: nothing secret is made here."""
    return bytes(range(count))
