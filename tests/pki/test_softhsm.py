"""A token whose description was emptied comes back, and nothing is written over one that is whole."""

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki import softhsm
from pki.errors import TokenError, TokenReason
from pki.token import Token
from tests.softhsm import MODULE, PIN, LentToken, lend_token

pytestmark = pytest.mark.token

DIES_WHILE_IT_LOGS_IN = """
import resource, signal, sys, time
from pathlib import Path
from pki.token import Token
module, label, pin = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8))
Token.open(Path(module), label, pin, monotonic=time.monotonic)
"""
"""The system kills it when a file of its grows beyond eight octets: SoftHSM2's count of changes does not, and after it
the description is the first that is written."""


def opened(token: LentToken) -> Token:
    return Token.open(MODULE, token.label, PIN, monotonic=time.monotonic)


@pytest.fixture
def token() -> Iterator[LentToken]:
    """Whole again in the end: a description that stays empty would stand in the way of every other token."""
    lent = lend_token("SIG")
    whole = (lent.folder / "token.object").read_bytes()
    yield lent
    (lent.folder / "token.object").write_bytes(whole)
    (lent.folder / "token.kept").unlink(missing_ok=True)


def description(token: LentToken) -> Path:
    return token.folder / "token.object"


@pytest.mark.parametrize("left", [8, 0])
def test_killed_in_the_middle_of_a_log_in_it_opens_again(token: LentToken, left: int) -> None:
    """A signal between the emptying of its description and the filling: SoftHSM2 alone would never recover from that.

    This one comes with the ninth octet, others before the first.
    """
    opened(token).close()
    words = [sys.executable, "-c", DIES_WHILE_IT_LOGS_IN, str(MODULE), token.label, PIN]
    assert subprocess.run(words, check=False).returncode == -signal.SIGXFSZ
    assert description(token).stat().st_size == 8
    os.truncate(description(token), left)
    with opened(token) as again:
        again.key("SIG").sign(b"data", ec.ECDSA(hashes.SHA256()))


def test_without_a_copy_it_is_lost(token: LentToken) -> None:
    (token.folder / "token.kept").unlink(missing_ok=True)
    os.truncate(description(token), 0)
    with pytest.raises(TokenError) as caught:
        opened(token)
    assert caught.value.reason is TokenReason.NO_TOKEN


def test_one_that_is_whole_is_left_alone(token: LentToken) -> None:
    opened(token).close()
    before = description(token).read_bytes()
    (token.folder / "token.kept").write_bytes(b"x" * len(before))
    softhsm.mend(MODULE)
    assert description(token).read_bytes() == before


def test_the_copy_follows_and_only_its_owner_reads_it(token: LentToken) -> None:
    opened(token).close()
    kept = token.folder / "token.kept"
    assert kept.read_bytes()[8:] == description(token).read_bytes()[8:]
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.write_bytes(b"another PIN's")
    opened(token).close()
    assert kept.read_bytes()[8:] == description(token).read_bytes()[8:]
    written = kept.stat().st_mtime_ns
    opened(token).close()
    assert kept.stat().st_mtime_ns == written


@pytest.mark.parametrize("left", [0, 100])
def test_what_is_cut_off_takes_no_whole_copys_place(token: LentToken, left: int) -> None:
    """Another process was killed between our log-in and our copy."""
    opened(token).close()
    whole = (token.folder / "token.kept").read_bytes()
    os.truncate(description(token), left)
    softhsm.keep(MODULE)
    assert (token.folder / "token.kept").read_bytes() == whole
    softhsm.mend(MODULE)
    assert description(token).read_bytes()[8:] == whole[8:]


def test_other_makers_tokens_are_none_of_ours(token: LentToken) -> None:
    os.truncate(description(token), 0)
    softhsm.mend(Path("/usr/lib/another.so"))
    assert description(token).read_bytes() == b""


def attribute(number: int, value: bytes) -> bytes:
    """Octets, as SoftHSM2 writes them into a description."""
    return struct.pack(">QQQ", number, 3, len(value)) + value


LABEL, USER_PIN = attribute(0x80005349, b"gw"), attribute(0x8000534D, b"wrapped")
FLAGS = struct.pack(">QQQ", 0x8000534B, 2, 0x42D)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a token that SoftHSM2 never touches: only its description is looked at."""
    (tmp_path / "conf").write_text(f"directories.tokendir = {tmp_path}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "conf"))
    folder = tmp_path / "token"
    folder.mkdir()
    (folder / "token.object").write_bytes(bytes(8) + LABEL + FLAGS + USER_PIN)
    softhsm.keep(MODULE)
    return folder


@pytest.mark.parametrize("cut", range(8 + len(LABEL) + len(FLAGS) + len(USER_PIN)))
def test_whatever_is_cut_off_is_mended(written: Path, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every octet but where an attribute ends, which is a whole description of fewer attributes."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    whole = (written / "token.object").read_bytes()
    os.truncate(written / "token.object", cut)
    softhsm.keep(MODULE)
    softhsm.mend(MODULE)
    ends = {8 + len(LABEL), 8 + len(LABEL) + len(FLAGS)}
    assert ((written / "token.object").read_bytes() == whole) is (cut not in ends)
    assert ((written / "token.kept").read_bytes() == whole) is (cut not in ends)


def test_a_token_that_was_initialised_again_stays_so(written: Path) -> None:
    """No user PIN yet, so it is shorter than the copy: the former PINs do not come back."""
    again = bytes(8) + LABEL + FLAGS
    (written / "token.object").write_bytes(again)
    softhsm.mend(MODULE)
    assert (written / "token.object").read_bytes() == again


def test_who_writes_at_this_moment_is_not_written_over(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SoftHSM2 gives its lock back between emptying and filling; what it then fills in may be another PIN."""
    description = written / "token.object"
    other = bytes(8) + LABEL + FLAGS + attribute(0x8000534D, b"another")
    monkeypatch.setattr(time, "sleep", lambda _: description.write_bytes(other))
    description.write_bytes(b"")
    softhsm.mend(MODULE)
    assert description.read_bytes() == other


def test_what_is_no_token_of_ours_does_not_stand_in_the_way(written: Path) -> None:
    (written.parent / "another" / "token.object").mkdir(parents=True)
    whole = (written / "token.object").read_bytes()
    (written / "token.object").write_bytes(b"")
    softhsm.mend(MODULE)
    softhsm.keep(MODULE)
    assert (written / "token.object").read_bytes() == whole


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_copy_belongs_to_whom_the_token_belongs(written: Path) -> None:
    (written / "token.kept").unlink()
    os.chown(written / "token.object", 12345, 12346)
    softhsm.keep(MODULE)
    kept = (written / "token.kept").stat()
    assert (kept.st_uid, kept.st_gid, kept.st_mode & 0o777) == (12345, 12346, 0o600)
