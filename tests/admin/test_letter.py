"""The letter: everything that somebody needs at the page, in two languages, and a file that its owner alone reads."""

import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from admin.errors import AccountError, AccountReason
from admin.letter import Access, Language, letter, page_of, written
from admin.reports import StatusReport
from wire.canonical_json import JsonValue
from wire.profiles import AccountProfile, AccountRole

ACCOUNT = AccountProfile(
    id="account-1", version=1, name="house", role=AccountRole.CONSUMER, consumer="consumer-7",
    verifier=b"\x30\x40" + bytes(64), valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    valid_until=datetime(2027, 1, 1, tzinfo=UTC),
)  # fmt: skip
ACCESS = Access("EABC0012345678", ACCOUNT, "k7mp-2xhd-v9rt-e4nc", ("https://gateway.local",), "ab" * 32)


@pytest.mark.parametrize(("language", "end"), [(Language.GERMAN, "31.12.2026"), (Language.ENGLISH, "2026-12-31")])
def test_all_that_is_typed_and_compared_stands_in_it(language: Language, end: str) -> None:
    text = letter(ACCESS, language)
    for told in (ACCESS.gateway, "https://gateway.local", " house\n", " k7mp-2xhd-v9rt-e4nc\n", f" {end}."):
        assert told in text
    assert text.count("AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\n") == 2
    assert ACCOUNT.id not in text
    assert max(map(len, text.splitlines())) <= 94


@pytest.mark.parametrize("language", Language)
def test_what_nobody_told_is_not_made_up(language: Language) -> None:
    """PP-0073 FIA_UAU.5: a certificate alone; and nothing is compared with a fingerprint that is not there."""
    pinned = replace(ACCOUNT, fingerprints=("cd" * 32, "ef" * 32), verifier=None)
    text = letter(Access(ACCESS.gateway, pinned, None), language)
    assert "https://…" in text
    assert ("Passwort  " in text, "Password  " in text) == (False, False)
    assert (text.count("CD:CD"), text.count("EF:EF"), "AB:AB" in text) == (16, 16, False)


def test_an_outdated_procedure_is_named_where_it_is_taken() -> None:
    """PP-0073 FIA_UAU.5."""
    opened = replace(ACCESS, account=replace(ACCOUNT, md5=True))
    for language, told in ((Language.GERMAN, "veraltetes Anmeldeverfahren"), (Language.ENGLISH, "outdated log-in")):
        assert told in letter(opened, language)
        assert "MD5" not in letter(ACCESS, language)
        assert max(map(len, letter(opened, language).splitlines())) <= 94


def test_a_technician_reads_of_the_system_log() -> None:
    """PP-0073 FMT_SMR.1."""
    access = replace(ACCESS, account=replace(ACCOUNT, role=AccountRole.TECHNICIAN, consumer=None))
    assert "Service-Techniker" in letter(access, Language.GERMAN)
    assert "service technician" in letter(access, Language.ENGLISH)
    assert "Messwerte" not in letter(access, Language.GERMAN)


def test_what_a_gateway_told_moves_no_cursor() -> None:
    text = letter(replace(ACCESS, addresses=("https://x\x1b[2J\r\n  Password  mine",)), Language.ENGLISH)
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\n  Password  mine" not in text


@pytest.mark.parametrize(
    ("han", "page"),
    [
        (
            {"addresses": ["https://a", "https://b"], "sha256": "ab" * 32, "more": 1},
            (("https://a", "https://b"), "ab" * 32),
        ),
        ({"addresses": "https://a", "sha256": ":".join(["AB"] * 32)}, ((), "ab" * 32)),
        ({"addresses": [7, "a" * 300], "sha256": "xy" * 32}, (("a" * 200,), "")),
        ({"addresses": ["a"] * 9, "sha256": None}, (("a",) * 4, "")),
        ({}, ((), "")),
        ([], ((), "")),
        (None, ((), "")),
    ],
)
def test_where_the_page_is_was_told_by_the_gateway(han: JsonValue, page: tuple[tuple[str, ...], str]) -> None:
    report = StatusReport(datetime(2026, 1, 1, tzinfo=UTC), {"han": han})
    assert page_of(report) == page
    assert page_of(StatusReport(report.received_at, {})) == page_of(None) == ((), "")


def test_a_letter_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "letter"
    with written(file) as stream:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        stream.write("äöü")
    assert file.read_text("utf-8") == "äöü"
    with pytest.raises(AccountError, match="exists") as refusal, written(file):
        raise AssertionError
    assert refusal.value.reason is AccountReason.LETTER
    assert file.read_text("utf-8") == "äöü"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AccountError, match="exists"), written(link):
        raise AssertionError
    with pytest.raises(AccountError, match="cannot be written"), written(tmp_path / "no" / "letter"):
        raise AssertionError


def test_what_fails_leaves_no_letter(tmp_path: Path) -> None:
    file = tmp_path / "letter"
    with pytest.raises(KeyError), written(file):
        raise KeyError(file.stat().st_size)
    assert not file.exists()


def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "letter"
    with pytest.raises(AccountError, match="No space left on device; give the account another"), written(file):
        raise OSError(28, "No space left on device")
    assert not file.exists()
