"""What is kept of a password, and which new ones are good."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smgw.han.passwords import (
    LONGEST,
    SENTENCES,
    PasswordError,
    PasswordReason,
    new_verifier,
    normalised,
    verifier_of,
)
from wire.profiles import MD5_BYTES, VERIFIER_BYTES

REALM = "EABC0012345678"
OLD = "Ofen-Birne-Garten-52"


def test_what_is_kept_is_what_digest_needs() -> None:
    """RFC 7616 section 3.4.2."""
    kept = verifier_of("house", REALM, OLD)
    assert kept == hashlib.sha256(b"house:EABC0012345678:Ofen-Birne-Garten-52").digest()
    assert len(kept) == VERIFIER_BYTES
    assert len({kept, verifier_of("flat", REALM, OLD), verifier_of("house", "other", OLD)}) == 3


def test_of_an_account_that_is_open_to_older_clients_md5_is_kept_too() -> None:
    """FIA_UAU.5; and a password of her own goes on to hold for them, or for them no more than before."""
    kept = verifier_of("house", REALM, OLD, older=True)
    assert kept[:VERIFIER_BYTES] == verifier_of("house", REALM, OLD)
    md5 = hashlib.md5(b"house:EABC0012345678:Ofen-Birne-Garten-52").digest()  # noqa: S324 - what such clients need
    assert kept[VERIFIER_BYTES:] == md5
    assert len(kept) == VERIFIER_BYTES + MD5_BYTES
    new = "Lampe-Regen-Kiste-17"
    assert new_verifier("house", REALM, new, kept) == verifier_of("house", REALM, new, older=True)
    with pytest.raises(PasswordError) as refusal:
        new_verifier("house", REALM, OLD, kept)
    assert refusal.value.reason is PasswordReason.THE_OLD_ONE


def test_one_password_however_a_keyboard_spells_it() -> None:
    composed, decomposed = "T\u00fcr-Schl\u00fcssel", "Tu\u0308r-Schlu\u0308ssel"
    assert composed != decomposed
    assert verifier_of("house", REALM, composed) == verifier_of("house", REALM, decomposed)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("elevenchars", PasswordReason.TOO_SHORT),
        ("", PasswordReason.TOO_SHORT),
        ("u\u0308" * 11, PasswordReason.TOO_SHORT),
        ("aabbccddaabbccdd", PasswordReason.TOO_SIMPLE),
        ("long-user-name", PasswordReason.THE_NAME),
        ("Long-User-Namelong-user-name", PasswordReason.THE_NAME),
        (OLD, PasswordReason.THE_OLD_ONE),
        ("x" * (LONGEST + 1), PasswordReason.TOO_LONG),
        ("\u0958" * (LONGEST // 2 + 1), PasswordReason.TOO_LONG),
        ("a new password\n", PasswordReason.MALFORMED),
        ("a new password\ud800", PasswordReason.MALFORMED),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused_with_its_reason(password: str, reason: PasswordReason) -> None:
    present = verifier_of("long-user-name", REALM, OLD)
    with pytest.raises(PasswordError) as refusal:
        new_verifier("long-user-name", REALM, password, present)
    assert refusal.value.reason is reason
    assert str(refusal.value) == SENTENCES[reason]


@pytest.mark.parametrize(
    "password", ["Lampe-Regen-Kiste-17", "zwölf Zeichen", "long-user-name and more", "x" * 120 + "abcdefgh"]
)
def test_a_good_one_is_taken(password: str) -> None:
    present = verifier_of("long-user-name", REALM, OLD)
    verifier = new_verifier("long-user-name", REALM, password, present)
    assert verifier == verifier_of("long-user-name", REALM, password) != present


@given(st.text(st.characters(codec=None), max_size=2 * LONGEST))
def test_any_text_is_a_password_or_is_refused(password: str) -> None:
    try:
        text = normalised(password)
    except PasswordError:
        return
    assert normalised(text) == text
    assert len(verifier_of("house", REALM, text)) == VERIFIER_BYTES
