from pathlib import Path

import pytest

from smgw.config import (
    MAX_CONFIGURATION_SIZE,
    Configuration,
    ConfigurationError,
    FirewallConfiguration,
    FirmwareConfiguration,
    Framing,
    TunnelKind,
    WakeUpConfiguration,
)

GOOD = """
[gateway]
id = "EABC0012345678"
[token]
module = "/usr/lib/softhsm/libsofthsm2.so"
configuration = "softhsm2.conf"
label = "EABC0012345678"
pin_file = "pin"
[store]
folder = "store"
[trust]
folder = "trust"
certificates = "certificates"
administrator = "gwa.SIG.pem"
[administrator]
profile = "administrator.cms"
[wake_up]
host = "127.0.0.1"
port = 4059
[wan]
tunnel = "stunnel"
[[lines]]
name = "rs485-1"
port = "/dev/ttyUSB0"
speed = 9600
framing = "7E1"
[[lines]]
name = "optical"
port = "/dev/ttyUSB1"
speed = 300
framing = "8N1-software-parity"
echo = true
"""


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(GOOD)
    configuration = Configuration.load(file)
    assert configuration.gateway.text == "EABC0012345678"
    assert configuration.token.module == Path("/usr/lib/softhsm/libsofthsm2.so")
    assert configuration.token.pin_file == tmp_path / "pin"
    assert configuration.store == tmp_path / "store"
    assert configuration.wan.tunnel is TunnelKind.STUNNEL
    assert [(line.name, line.speed, line.framing, line.echo) for line in configuration.lines] == [
        ("rs485-1", 9600, Framing.SEVEN_EVEN, False),
        ("optical", 300, Framing.EIGHT_NONE_SOFTWARE_PARITY, True),
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('id = "EABC0012345678"', 'id = "42"', "gateway.id: not a DIN 43863-5"),
        ('id = "EABC0012345678"', "id = 42", "gateway.id is not a text"),
        ('folder = "store"', 'folder = "store"\ncolour = "red"', "store.colour is unknown"),
        ('folder = "store"', "", "store.folder is missing"),
        ('folder = "store"', 'folder = ""', "store.folder is empty"),
        ("[administrator]\n", "[administration]\n", "administrator is missing"),
        ('profile = "administrator.cms"', "", "administrator.profile is missing"),
        ('profile = "administrator.cms"', 'profile = "a"\nfolder = "b"', "administrator.folder is unknown"),
        ("[wake_up]", "[wakeup]", "wake_up is missing"),
        ('host = "127.0.0.1"', "", "wake_up.host is missing"),
        ("port = 4059", "port = 0", "wake_up.port is 0"),
        ("port = 4059", "port = 65536", "wake_up.port is 65536, not 1 to 65535"),
        ("port = 4059", "port = 4059\nname = 1", "wake_up.name is unknown"),
        ("[wan]", '[profiles]\nfolder = "profiles"\n[wan]', "profiles is unknown"),
        ("[wan]", '[firmware]\nfolder = "f"\nmanufacturer = "m"\nforce = true\n[wan]', "firmware.force is unknown"),
        ("[wan]", '[firmware]\nfolder = "f"\n[wan]', "firmware.manufacturer is missing"),
        ("[wan]", '[firewall]\nhan = "h"\n[wan]', "firewall.wan is missing"),
        ("[wan]", '[firewall]\nwan = "eth*"\n[wan]', "firewall.wan is 'eth*', not the name of an interface"),
        ("[wan]", '[firewall]\nwan = "eth0\\" accept"\n[wan]', "not the name of an interface"),
        ("[wan]", '[firewall]\nwan = "sixteen-letters-"\n[wan]', "not the name of an interface"),
        ("[wan]", '[firewall]\nwan = "lo"\n[wan]', "not the name of an interface"),
        ("[wan]", '[firewall]\nwan = "w"\nlmn = "w"\n[wan]', "one interface has two roles"),
        ("[wan]", '[firewall]\nwan = "w"\nhttps_port = 443\n[wan]', "goes together with firewall.han"),
        ("[wan]", '[firewall]\nwan = "w"\nhan = "h"\ncls_port = 0\n[wan]', "firewall.cls_port is 0"),
        ("[wan]", '[firewall]\nwan = "w"\nhan = "h"\ncls_port = 1\nhttps_port = 1\n[wan]', "are the same"),
        ("[wan]", '[firewall]\nwan = "w"\nenabled = false\n[wan]', "firewall.enabled is unknown"),
        ('tunnel = "stunnel"', 'tunnel = "none"', "wan.tunnel is 'none', not one of"),
        ('tunnel = "stunnel"', 'tunnel = "private-key-in-process-memory"', "wan.tls_key_file goes together"),
        ('tunnel = "stunnel"', 'tunnel = "stunnel"\ntls_key_file = "k"', "wan.tls_key_file goes together"),
        ('tunnel = "stunnel"', 'tunnel = "stunnel"\nverify = false', "wan.verify is unknown"),
        ("speed = 9600", "speed = 9601", "lines[0].speed is 9601"),
        ("speed = 9600", "speed = true", "lines[0].speed is not a whole number"),
        ("speed = 300", 'speed = "300"', "lines[1].speed is not a whole number"),
        ("echo = true", "echo = 1", "lines[1].echo is not true or false"),
        ("echo = true", "parity = 1", "lines[1].parity is unknown"),
        ('name = "optical"', 'name = "rs485-1"', "two lines have the same name"),
        ("/dev/ttyUSB1", "/dev/ttyUSB0", "two lines use the same port"),
        ("[wan]", "[[wan]]", "wan is not a table"),
        ("[gateway]", "x = 1\n[gateway]", "x is unknown"),
        ("[gateway]", "[gateway", "not TOML"),
        ("[[lines]]", "[[lines]]\n" + "[[lines]]\n" * 17, "lines has more than 16 entries"),
    ],
)  # fmt: skip
def test_every_refusal_names_the_key(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    file = tmp_path / "gateway.toml"
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as refusal:
        Configuration.load(file)
    assert sentence in str(refusal.value)
    assert str(file) in str(refusal.value)


@pytest.mark.parametrize("data", [b"\xff", b"#" * (MAX_CONFIGURATION_SIZE + 1), b"a = " + b"[" * 3000])
def test_what_is_no_configuration(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "gateway.toml"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Configuration.load(file)
    file.write_bytes(data)
    with pytest.raises(ConfigurationError):
        Configuration.load(file)


def test_in_process_memory_only_in_words() -> None:
    text = GOOD.replace('"stunnel"', '"private-key-in-process-memory"\ntls_key_file = "tls.key"')
    configuration = Configuration.parse(text, base=Path("/somewhere"))
    assert configuration.wan.tunnel is TunnelKind.PRIVATE_KEY_IN_PROCESS_MEMORY
    assert configuration.wan.tls_key_file == Path("/somewhere/tls.key")


def test_an_administrator_a_wake_up_port_and_slots() -> None:
    slots = '[firmware]\nfolder = "firmware"\nmanufacturer = "manufacturer.pem"\n'
    configuration = Configuration.parse(GOOD + slots, base=Path("/somewhere"))
    assert configuration.administrator == Path("/somewhere/administrator.cms")
    assert configuration.wake_up == WakeUpConfiguration("127.0.0.1", 4059)
    assert configuration.firmware == FirmwareConfiguration(
        Path("/somewhere/firmware"), Path("/somewhere/manufacturer.pem")
    )
    assert Configuration.parse(GOOD, base=Path("/somewhere")).firmware is None


def test_interfaces_and_what_may_be_reached_from_the_han() -> None:
    firewall = '[firewall]\nwan = "wwan0"\nhan = "eth0"\nlmn = "eth1.7"\nhttps_port = 443\ncls_port = 4433\n'
    configuration = Configuration.parse(GOOD + firewall, base=Path("/somewhere"))
    assert configuration.firewall == FirewallConfiguration("wwan0", "eth0", "eth1.7", 443, 4433)
    least = Configuration.parse(GOOD + '[firewall]\nwan = "wwan0"\n', base=Path("/somewhere"))
    assert least.firewall == FirewallConfiguration("wwan0")
    assert Configuration.parse(GOOD, base=Path("/somewhere")).firewall is None
