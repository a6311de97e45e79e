"""What every test shares: how hard the property tests and the walks try, and how to run only them."""

import gc
import itertools
import os
import signal
import sys
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests import screenshots
from tests.moments import Moments

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Whoever started the tests in the background has them ignore Ctrl-C, and every process that a test interrupts too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What was compiled is kept, as `make test` has it: the tests start some hundred Pythons, and each would compile anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# An ordinary run draws the same examples wherever and whenever it is made: whether it passes says something of the
# change that was made, and what fails fails again. New examples are sought where somebody looks at them: `make fuzz`.
settings.register_profile(
    "default", max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "fuzz", max_examples=30_000, deadline=None, derandomize=False, suppress_health_check=list(HealthCheck)
)
settings.load_profile(_PROFILE := os.environ.get("HYPOTHESIS_PROFILE", "default"))
if _PROFILE == "default":
    # Hypothesis would draw constants of our code as well, of those modules that this process has imported by now.
    providers._get_local_constants = lambda: providers._local_constants


_BEGAN = time.time()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-properties", action="store_true", help="run only the Hypothesis tests and the walks (make fuzz)"
    )
    parser.addoption(
        "--exhaustive", action="store_true", help="cut the power at every moment of a walk, not at a sample of them"
    )


def pytest_sessionstart() -> None:
    """What is collected stays to the end: nobody looks for garbage among it now, nor ever again."""
    gc.disable()


def pytest_collection_finish() -> None:
    """From now on garbage is looked for among what the tests make, and nowhere else."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--only-properties"):
        items[:] = [item for item in items if _is_property(item) or item.get_closest_marker("walk")]
    items[:] = _long_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _long_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Each worker begins with an equal share of neighbours, and those marked ``long`` stand at the heads of the shares.

    The end of the run would otherwise wait for one of them, with all other workers idle.
    """
    long = [item for item in items if item.get_closest_marker("long")]
    rest = iter([item for item in items if not item.get_closest_marker("long")])
    share = -(-len(items) // workers)
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        heads = long[worker::workers]
        ordered += [*heads, *itertools.islice(rest, share - len(heads))]
    return ordered


def _is_property(item: pytest.Item) -> bool:
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the pictures are that tests in a browser kept for people."""
    if (page := screenshots.index(_BEGAN)) is not None:
        terminalreporter.write_line(f"screenshots: {page}")


@pytest.fixture(scope="session")
def moments(request: pytest.FixtureRequest) -> Moments:
    """Which moments a walk is cut at; a test that asks for it carries the marker ``walk``."""
    return Moments(exhaustive=request.config.getoption("--exhaustive"))
