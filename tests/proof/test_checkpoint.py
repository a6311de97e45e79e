from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.certificates import Purpose, Role
from proof.checkpoint import ChainState, Checkpoint, SignedCheckpoint, hash_of, require_following, sign, verify
from proof.entry import GENESIS
from proof.errors import IntegrityReason, LogIntegrityError
from proof.events import Log
from testbed.small_pki import SmallPki
from tests.smgw.store.samples import GATEWAY, START

PKI = SmallPki()
HOLDER = PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY.text)
STATE = ChainState(Log.SYSTEM, "", 3, b"\1" * 32, 9, b"\2" * 32, 20)
FIRST = Checkpoint.of(GATEWAY.text, 1, START, GENESIS, HOLDER.certificate, [STATE])
SIGNED = sign(FIRST, HOLDER.certificate, HOLDER.key)
_ORDER = 0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7


def reason(signed: SignedCheckpoint) -> IntegrityReason:
    with pytest.raises(LogIntegrityError) as refusal:
        verify(signed)
    return refusal.value.reason


def test_what_was_signed_is_read_again() -> None:
    assert verify(SIGNED) == (FIRST, HOLDER.certificate)
    assert ChainState.from_json(STATE.to_json()) == STATE
    assert FIRST.marks == (STATE.mark(),)


def test_every_other_content_certificate_or_signature_is_refused() -> None:
    other = PKI.holder(Role.SMGW, Purpose.SIG, GATEWAY.text)
    assert reason(replace(SIGNED, content=replace(FIRST, number=2).to_bytes())) is IntegrityReason.SIGNATURE
    assert reason(replace(SIGNED, content=b"{}")) is IntegrityReason.FORM
    assert reason(replace(SIGNED, certificate=b"x")) is IntegrityReason.CERTIFICATE
    assert reason(sign(FIRST, other.certificate, other.key)) is IntegrityReason.CERTIFICATE
    assert reason(sign(FIRST, HOLDER.certificate, other.key)) is IntegrityReason.SIGNATURE
    for signature in (b"", bytes(64), SIGNED.signature + b"\0"):
        assert reason(replace(SIGNED, signature=signature)) is IntegrityReason.SIGNATURE


def test_the_other_form_of_the_same_signature_is_none() -> None:
    """Of r, s and r, n-s both hold: only one is ours, so that nothing in an export can be changed unnoticed."""
    twin = (_ORDER - int.from_bytes(SIGNED.signature[32:], "big")).to_bytes(32, "big")
    assert reason(replace(SIGNED, signature=SIGNED.signature[:32] + twin)) is IntegrityReason.SIGNATURE


def test_checkpoints_follow_on_one_another() -> None:
    second = Checkpoint.of(GATEWAY.text, 2, START, SIGNED.hash, HOLDER.certificate, [STATE])
    require_following(FIRST, None)
    require_following(second, SIGNED)
    for checkpoint, before in ((second, None), (FIRST, SIGNED), (replace(second, previous=GENESIS), SIGNED)):
        with pytest.raises(LogIntegrityError):
            require_following(checkpoint, before)


@given(data=st.binary(max_size=300))
def test_only_our_error_escapes(data: bytes) -> None:
    with pytest.raises(LogIntegrityError):
        Checkpoint.from_bytes(data)


@pytest.mark.parametrize(
    "change",
    [
        {"first": 0},
        {"owner": "x" * 70_000},
        {"first": 11},
        {"capacity": -1},
        {"log": "x"},
        {"last": True},
        {"head": "zz"},
        {"more": 1},
    ],
)
def test_a_state_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(LogIntegrityError):
        ChainState.from_json({**STATE.to_json(), **change})  # type: ignore[dict-item]


def test_a_hash_has_one_spelling() -> None:
    assert hash_of("ab" * 32) == b"\xab" * 32
    for text in ("AB" * 32, "ab" * 31, "ab " * 32, None):
        with pytest.raises(LogIntegrityError):
            hash_of(text)
