"""``smgw-admin web``: what runs is under test in tests/admin/web; here is that it is told what it needs."""

import pytest

from admin.config import Configuration
from admin.session import Environment
from admin.web import serve
from tests.admin.commands.desk import Desk

pytestmark = pytest.mark.token


def test_it_runs_with_the_configuration_and_its_clocks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[Configuration, Environment]] = []

    def run(configuration: Configuration, environment: Environment, say: object) -> None:
        assert callable(say)
        say("console: here")
        seen.append((configuration, environment))

    monkeypatch.setattr(serve, "run", run)
    found = desk("web")
    assert found.stderr == "console: here\n"
    ((configuration, environment),) = seen
    assert configuration == desk.bureau.configuration
    assert environment.clock() == desk.bureau.now
