"""The configuration: every key is known, none is guessed."""

from pathlib import Path

import pytest

from admin.config import (
    RESEND_SECONDS,
    TIMEOUT_SECONDS,
    WEB_PORT,
    Configuration,
    Listen,
    WakeUpConfiguration,
    WebConfiguration,
)
from admin.errors import ConfigError

BASE = Path("/srv/admin")
WHOLE = """
[administrator]
name = "Verwalter"
[token]
module = "/usr/lib/softhsm/libsofthsm2.so"
configuration = "softhsm2.conf"
label = "GWA"
pin_file = "pin"
[trust]
folder = "trust"
[keys]
tls_certificate = "TLS.pem"
tls_key = "TLS.key"
signature_certificate = "SIG.pem"
[database]
file = "admin.db"
[management]
host = "127.0.0.1"
port = 8450
[service]
host = "127.0.0.1"
port = 8451
"""


def test_a_whole_one() -> None:
    found = Configuration.parse(WHOLE, base=BASE)
    assert found.name == "Verwalter"
    assert found.token.configuration == BASE / "softhsm2.conf"
    assert found.token.module == Path("/usr/lib/softhsm/libsofthsm2.so")
    assert found.keys.tls_key == BASE / "TLS.key"
    assert (found.management, found.service) == (Listen("127.0.0.1", 8450), Listen("127.0.0.1", 8451))
    assert found.wake_up == WakeUpConfiguration(RESEND_SECONDS, TIMEOUT_SECONDS)
    assert found.authority is None


def test_what_may_be_added() -> None:
    with pytest.raises(ConfigError, match="authority is not a table"):
        Configuration.parse(f"authority = 3\n{WHOLE}", base=BASE)
    more = '[wake_up]\nresend_seconds = 2\n[authority]\nfolder = "pki"\npin_file = "pki.pin"\nmodule = "/m.so"\n'
    found = Configuration.parse(WHOLE + more, base=BASE)
    assert found.wake_up == WakeUpConfiguration(2, TIMEOUT_SECONDS)
    assert found.authority is not None
    assert (found.authority.folder, found.authority.module) == (BASE / "pki", Path("/m.so"))


def test_the_console_listens_on_this_machine_alone_unless_it_is_said_otherwise() -> None:
    assert Configuration.parse(WHOLE, base=BASE).web == WebConfiguration(Listen("127.0.0.1", WEB_PORT), None, None)
    table = '[web]\nhost = "192.0.2.1"\nport = 443\ncertificate = "w.pem"\n'
    found = Configuration.parse(f'{WHOLE}{table}key = "w.key"\n', base=BASE).web
    assert found == WebConfiguration(Listen("192.0.2.1", 443), BASE / "w.pem", BASE / "w.key")
    with pytest.raises(ConfigError, match="belong together"):
        Configuration.parse(WHOLE + table, base=BASE)
    with pytest.raises(ConfigError, match=r"web\.keys is unknown"):
        Configuration.parse(f'{WHOLE}[web]\nhost = "::1"\nport = 443\nkeys = "x"\n', base=BASE)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name = "Verwalter"', 'name = "Verwalter"\nnmae = "x"', "administrator.nmae is unknown"),
        ('label = "GWA"', "", "token.label is missing"),
        ('label = "GWA"', "label = 3", "token.label is not a text"),
        ('label = "GWA"', 'label = ""', "token.label is empty"),
        ("port = 8450", 'port = "8450"', "management.port is not a whole number"),
        ("port = 8450", "port = true", "management.port is not a whole number"),
        ("port = 8450", "port = 65536", "management.port must be 1..65535"),
        ("port = 8450", "port = 8451", "the same host and port"),
        ('host = "127.0.0.1"', 'host = "here"', "management.host must be an address"),
        ("[trust]", "[truth]", "trust is missing"),
        ("[database]", "[extra]\n[database]", "extra is unknown"),
        ('[database]\nfile = "admin.db"', "", "database is missing"),
        ("[administrator]", "[administrator", "not TOML"),
    ],
)
def test_anything_else_is_refused_by_its_path(old: str, new: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        Configuration.parse(WHOLE.replace(old, new, 1), base=BASE)


@pytest.mark.parametrize("line", ["resend_seconds = 0", "timeout_seconds = 86401", "resend = 5"])
def test_bounds_of_waiting(line: str) -> None:
    with pytest.raises(ConfigError, match="wake_up"):
        Configuration.parse(f"{WHOLE}[wake_up]\n{line}\n", base=BASE)


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "admin.toml"
    with pytest.raises(ConfigError, match="--config"):
        Configuration.load(file)
    file.write_text(WHOLE)
    assert Configuration.load(file).database == tmp_path / "admin.db"
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        Configuration.load(file)
    file.write_text("#" * 70_000)
    with pytest.raises(ConfigError, match="larger"):
        Configuration.load(file)
    file.write_text("x = 1")
    with pytest.raises(ConfigError, match=f"{file}: "):
        Configuration.load(file)
