"""Where the customer's page may be (PP-0073 FDP_IFF.1/FW: never at an address of the WAN by accident)."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from smgw.config import Configuration, ConfigurationError
from smgw.config_han import HanConfiguration
from tests.smgw.test_config import GOOD

WALL = '[firewall]\nwan = "wan0"\nhan = "eth1"\nhttps_port = 443\n'


def read(text: str) -> Configuration:
    return Configuration.parse(GOOD + text, base=Path("/somewhere"))


def test_all_that_can_be_said() -> None:
    page = read(
        '[han]\naddresses = ["192.168.7.1", "fe80::1%eth1"]\nport = 8443\nnames = ["meter.home"]\nmdns = "smgw"\n'
    ).han
    assert page == HanConfiguration(
        (ip_address("192.168.7.1"), ip_address("fe80::1%eth1")), 8443, ("meter.home",), "smgw"
    )
    assert page.host_names == ("meter.home", "smgw.local")


def test_without_the_table_nothing_is_served() -> None:
    assert read("").han is None
    assert read('[han]\naddresses = ["192.168.7.1"]\n').han == HanConfiguration((ip_address("192.168.7.1"),))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("", "han.addresses names no address"),
        ("addresses = []", "han.addresses names no address"),
        ('addresses = "10.0.0.1"', "han.addresses is not a list"),
        ('addresses = ["0.0.0.0"]', "han.addresses[0] is 0.0.0.0, which is every interface"),
        ('addresses = ["::"]', "which is every interface"),
        ('addresses = ["224.0.0.1"]', "at which nobody can be served"),
        ('addresses = ["::ffff:10.0.0.1"]', "at which nobody can be served"),
        ('addresses = ["gateway"]', "not an IP address"),
        ('addresses = ["fe80::1"]', "needs its %interface"),
        ('addresses = ["fd00::1%eth1"]', "and no other, needs its %interface"),
        ('addresses = ["fe80::1%a b"]', "not the name of an interface"),
        ('addresses = ["fe80::1%lo"]', "not the name of an interface"),
        ('addresses = ["fe80::1%a", "fe80::1%b"]', "one address stands there twice"),
        ('addresses = ["10.0.0.1"]\nport = 0', "han.port is 0"),
        ('addresses = ["10.0.0.1"]\nport = 65536', "han.port is 65536"),
        ('addresses = ["10.0.0.1"]\nnames = ["a b"]', "han.names[0] is 'a b', not a host name"),
        ('addresses = ["10.0.0.1"]\nnames = ["a", "-b"]', "han.names[1]"),
        ('addresses = ["10.0.0.1"]\nmdns = "smgw.local"', "not one label without '.local'"),
        ('addresses = ["10.0.0.1"]\ntls = false', "han.tls is unknown"),
        ('addresses = ["10.0.0.1"]\n[firewall]\nwan = "w"', "the firewall does not open it"),
        ('addresses = ["10.0.0.1"]\nport = 1\n' + WALL, "and firewall.https_port = 1"),
        ('addresses = ["fe80::1%eth2"]\n' + WALL, "fe80::1%eth2 is not on firewall.han, which is 'eth1'"),
    ],
)  # fmt: skip
def test_every_refusal_says_what_to_do(table: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read(f"[han]\n{table}\n")
    assert sentence in str(refusal.value)


def test_the_firewall_opens_names_only_where_there_is_one() -> None:
    quiet = read('[han]\naddresses = ["10.0.0.1"]\n' + WALL).firewall
    told = read('[han]\naddresses = ["10.0.0.1"]\nmdns = "smgw"\n' + WALL).firewall
    assert quiet is not None
    assert told is not None
    assert (quiet.mdns, told.mdns) == (False, True)
