import os
from dataclasses import replace
from pathlib import Path

import pytest

from smgw.config import Configuration, ConfigurationError
from smgw.firewall.apply import FirewallError, PacketFilter
from smgw.firewall.openings import openings
from smgw.firewall.parts import open_firewall, rules_of, user_of
from smgw.firewall.render import render
from smgw.secure_states import Conditions
from smgw.store.logs import SystemLog
from smgw.store.profiles import ProfileSet
from testbed.small_pki import NOW
from tests.smgw.firewall.world import ADMINISTRATOR, SETTINGS, WAKE_UP
from tests.smgw.store import samples
from tests.smgw.test_config import GOOD

PROFILES = ProfileSet().with_profile(ADMINISTRATOR)


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    (tmp_path / "store").mkdir(exist_ok=True)
    return replace(Configuration.parse(GOOD, base=tmp_path), firewall=SETTINGS, wake_up=WAKE_UP)


def opened(configuration: Configuration, log: SystemLog, kernel: PacketFilter) -> object:
    return open_firewall(
        configuration, profiles=lambda: PROFILES, clock=lambda: NOW, log=log, conditions=Conditions(), kernel=kernel
    )


def test_a_gateway_has_a_firewall_where_it_is_told_its_interfaces(
    configuration: Configuration, kernel: PacketFilter, tmp_path: Path
) -> None:
    """FMT_MSA.3/FW: configured, it stands or nothing is opened."""
    database = samples.open_database(tmp_path)
    log = SystemLog(database)
    assert opened(replace(configuration, firewall=None), log, kernel) is None
    with pytest.raises(FirewallError):
        kernel.standing()
    assert opened(configuration, log, kernel) is not None
    kernel.standing()
    with pytest.raises(FirewallError):
        opened(configuration, log, PacketFilter(tmp_path / "missing", kernel.kernel))
    database.close()


def test_the_same_rules_without_a_gateway_that_runs(configuration: Configuration) -> None:
    rules = rules_of(configuration, PROFILES, NOW)
    assert rules == render(SETTINGS, WAKE_UP, openings(PROFILES, NOW), user=user_of(configuration))
    with pytest.raises(ConfigurationError, match="firewall is missing"):
        rules_of(replace(configuration, firewall=None), PROFILES, NOW)


def test_connections_are_the_store_owners(configuration: Configuration) -> None:
    assert user_of(configuration) == os.geteuid()
    with pytest.raises(ConfigurationError, match=r"store\.folder"):
        user_of(replace(configuration, store=configuration.store / "nowhere"))
