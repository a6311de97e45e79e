"""Nothing is guessed: unknown keys, open keys, passwords and other machines' addresses are refused."""

from pathlib import Path

import pytest

from datacenter.config import BIND_ANYWHERE, Limits, load
from datacenter.errors import ConfigError

GOOD = """
[datacenter]
name = "Netz"
[listen]
port = 8443
[trust]
folder = "trust"
[gateways]
folder = "gateways"
[keys]
tls_certificate = "tls.pem"
tls_key = "tls.key"
encryption_certificate = "enc.pem"
encryption_key = "enc.key"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("tls.key", "enc.key", "password"):
        (tmp_path / name).touch(0o600)
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "datacenter.toml"
    path.write_text(text)
    return path


def test_administrators_are_there_only_where_they_are_named(folder: Path) -> None:
    assert load(written(folder, GOOD)).administrators is None
    named = GOOD + '[administrators]\nfolder = "administrators"\n'
    assert load(written(folder, named)).administrators == folder / "administrators"
    with pytest.raises(ConfigError, match="unknown: names"):
        load(written(folder, named + "names = 1\n"))


def test_defaults_and_relative_paths(folder: Path) -> None:
    config = load(written(folder, GOOD))
    assert (config.listen.host, config.listen.port, config.listen.socket) == ("127.0.0.1", 8443, None)
    assert config.trust == folder / "trust"
    assert config.keys.encryption_key == folder / "enc.key"
    assert config.database.render_as_string() == f"sqlite:///{folder}/datacenter.db"
    assert config.limits == Limits()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "Netz"', "", "name is missing"),
        ('name = "Netz"', 'name = "Netz"\nnmae = 1', "unknown: nmae"),
        ("[trust]", "[surprise]\na = 1\n[trust]", "unknown: surprise"),
        ("port = 8443", 'port = "8443"', "port must be a int"),
        ("port = 8443", "port = true", "port must be a int"),
        ("port = 8443", "port = 0", "1..65535"),
        ("port = 8443", "threads = 0", "workers must be"),
        ("port = 8443", 'host = "0.0.0.0"', "not loopback"),
        ("port = 8443", 'host = "::"\nbeyond_loopback = "yes"', "not loopback"),
        ("port = 8443", 'host = "localhost"', "an address"),
        ("[keys]", "[database]\nurl = 'postgresql+psycopg://me:secret@host/db'\n[keys]", "must not hold a password"),
        ("[keys]", "[database]\nurl = 'mysql://host/db'\n[keys]", "sqlite or postgresql"),
        ("[keys]", "[database]\nurl = 'sqlite://'\n[keys]", "must name a file"),
        ("[keys]", "[database]\nurl = 'no'\n[keys]", "not a database URL"),
        ("[keys]", "[limits]\nbody_byte = 1\n[keys]", "unknown: body_byte"),
        ("[keys]", "[limits]\nbody_bytes = 0\n[keys]", "positive whole number"),
        ("[keys]", "[limits]\nbody_bytes = true\n[keys]", "positive whole number"),
        ("[keys]", "[limits]\nsession_seconds = 172801\n[keys]", "48 h"),
        ("[keys]", "[rasters]\ngrid = 0\n[keys]", "1..86400"),
        ("[keys]", "keys", "Expected"),
        ('[trust]\nfolder = "trust"', "[[trust]]", "must be a table"),
    ],
)
def test_refused(folder: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError, match=said):
        load(written(folder, GOOD.replace(old, new)))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize("key", ["tls.key", "enc.key"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o700 | 0o010])
def test_keys_that_others_can_touch(folder: Path, key: str, mode: int) -> None:
    (folder / key).chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(written(folder, GOOD))


def test_missing_key(folder: Path) -> None:
    (folder / "enc.key").unlink()
    with pytest.raises(ConfigError, match=r"enc\.key"):
        load(written(folder, GOOD))


def test_key_that_is_a_folder(folder: Path) -> None:
    (folder / "enc.key").unlink()
    (folder / "enc.key").mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="not a file"):
        load(written(folder, GOOD))


def test_beyond_loopback_in_words(folder: Path) -> None:
    words = f'host = "192.0.2.1"\nbeyond_loopback = "{BIND_ANYWHERE}"'
    assert load(written(folder, GOOD.replace("port = 8443", words))).listen.host == "192.0.2.1"


def test_password_file(folder: Path) -> None:
    database = '[database]\nurl = "postgresql+psycopg://me@host/db"\npassword_file = "password"\n'
    url = load(written(folder, GOOD + database)).database
    assert url.query["passfile"] == str(folder / "password")
    (folder / "password").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(written(folder, GOOD + database))


def test_everything(folder: Path) -> None:
    text = GOOD.replace("port = 8443", 'socket = "run/x.sock"\nworkers = 2\nthreads = 4')
    config = load(written(folder, text + '[rasters]\n"grid-1" = 900\n[limits]\nbody_bytes = 5\n'))
    assert (config.listen.socket, config.listen.workers, config.listen.threads) == (folder / "run/x.sock", 2, 4)
    assert (config.rasters, config.limits.body_bytes) == ({"grid-1": 900}, 5)
