from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.certificates import Purpose, Role
from pki.revoke import Revocation
from smgw.store.errors import StoreFullError, StoreReason
from smgw.wan.wakeup import WINDOW, WakeUpGate, WakeUpReason, WakeUpRefusedError
from testbed.small_pki import NOW
from tests.smgw.store.samples import GATEWAY
from tests.smgw.wan.waking import DAY, Waking
from wire.reading import DeviceId
from wire.wakeup import ADDRESSEE, HEADER, ISSUED_AT, SIZE

SECOND = timedelta(seconds=1)
OTHER = DeviceId("EABC0012345679")


@pytest.fixture
def waking(tmp_path: Path) -> Iterator[Waking]:
    waking = Waking(tmp_path)
    yield waking
    waking.database.close()


def refusal(action: Callable[[], object]) -> tuple[WakeUpReason, str]:
    with pytest.raises(WakeUpRefusedError) as caught:
        action()
    return caught.value.reason, caught.value.cause


def test_the_administrators_call_wakes(waking: Waking) -> None:
    """TR-03109-1, wake-up."""
    wake_up = waking.gate.open(waking.call(), NOW)
    assert (wake_up.gateway, wake_up.issued_at) == (GATEWAY, NOW)


def test_replayed(waking: Waking) -> None:
    """FPT_RPL.1: a call wakes once."""
    call = waking.call()
    waking.gate.open(call, NOW)
    assert refusal(lambda: waking.gate.open(call, NOW)) == (WakeUpReason.REPLAYED, "")
    waking.gate.open(waking.call(), NOW)


def test_replayed_after_a_restart(waking: Waking) -> None:
    """FPT_RPL.1: also after a restart."""
    call = waking.call()
    waking.gate.open(call, NOW)
    waking.restart()
    assert refusal(lambda: waking.gate.open(call, NOW)) == (WakeUpReason.REPLAYED, "")


def test_replayed_when_the_clock_was_set_back(waking: Waking) -> None:
    call = waking.call()
    waking.gate.open(call, NOW)
    waking.gate.open(waking.call(at=NOW + DAY), NOW + DAY)
    assert refusal(lambda: waking.gate.open(call, NOW)) == (WakeUpReason.REPLAYED, "")


def test_the_same_call_twice_before_the_first_was_believed(waking: Waking) -> None:
    call = waking.call()
    first, second = waking.gate.examine(call, NOW), waking.gate.examine(call, NOW)
    waking.gate.believe(first, NOW)
    assert refusal(lambda: waking.gate.believe(second, NOW)) == (WakeUpReason.REPLAYED, "")


def test_the_other_form_of_the_same_signature_is_a_replay(waking: Waking) -> None:
    """ECDSA: (r, n - s) holds wherever (r, s) does; what is remembered is the nonce, so that gains nothing."""
    order = 0xA9FB57DBA1EEA9BC3E660A909D838D718C397AA3B561A6F7901E0E82974856A7  # brainpoolP256r1, RFC 5639
    call = waking.call()
    waking.gate.open(call, NOW)
    mirrored = call[:-32] + (order - int.from_bytes(call[-32:], "big")).to_bytes(32, "big")
    assert refusal(lambda: waking.gate.open(mirrored, NOW)) == (WakeUpReason.REPLAYED, "")


@pytest.mark.parametrize("late", [WINDOW, -WINDOW, timedelta(0)])
def test_within_the_window(waking: Waking, late: timedelta) -> None:
    """TR-03109-1, wake-up: half a minute either way (recalled, docs/deviations.md)."""
    assert timedelta(seconds=30) == WINDOW
    waking.gate.open(waking.call(at=NOW - late), NOW)


def test_stale(waking: Waking) -> None:
    call = waking.call()
    assert refusal(lambda: waking.gate.open(call, NOW + WINDOW + SECOND / 1000)) == (WakeUpReason.STALE, "")
    assert refusal(lambda: waking.gate.open(call, NOW + DAY)) == (WakeUpReason.STALE, "")


def test_stale_while_it_waited_for_its_turn(waking: Waking) -> None:
    wake_up = waking.gate.examine(waking.call(), NOW)
    assert refusal(lambda: waking.gate.believe(wake_up, NOW + WINDOW + SECOND)) == (WakeUpReason.STALE, "")


def test_future(waking: Waking) -> None:
    call = waking.call(at=NOW + WINDOW + SECOND)
    assert refusal(lambda: waking.gate.open(call, NOW)) == (WakeUpReason.FUTURE, "")
    waking.gate.open(call, NOW + SECOND)


def test_foreign_addressee(waking: Waking) -> None:
    assert refusal(lambda: waking.gate.open(waking.call(gateway=OTHER), NOW)) == (WakeUpReason.ADDRESSEE, "")


def test_redirected_to_this_gateway(waking: Waking) -> None:
    call = bytearray(waking.call(gateway=OTHER))
    call[ADDRESSEE] = GATEWAY.text.encode()
    assert refusal(lambda: waking.gate.open(bytes(call), NOW)) == (WakeUpReason.SIGNATURE, "")


def test_unsigned_or_signed_with_garbage(waking: Waking) -> None:
    call = waking.call()
    for garbage in (bytes(64), b"\xff" * 64, bytes(range(64)), bytes(32) + b"\1" * 32):
        assert refusal(lambda: waking.gate.open(call[:-64] + garbage, NOW)) == (WakeUpReason.SIGNATURE, "")  # noqa: B023
    # What does not hold is not remembered: the genuine one with the same nonce still works.
    waking.gate.open(call, NOW)


def test_altered_at_any_octet(waking: Waking) -> None:
    call = waking.call()
    for position in range(SIZE):
        altered = bytearray(call)
        altered[position] ^= 1
        refusal(lambda: waking.gate.open(bytes(altered), NOW))  # noqa: B023


def test_truncated_and_oversized(waking: Waking) -> None:
    call = waking.call()
    for length in range(SIZE):
        assert refusal(lambda: waking.gate.open(call[:length], NOW)) == (WakeUpReason.SIZE, "")  # noqa: B023
    for surplus in (1, 2, 65_000):
        assert refusal(lambda: waking.gate.open(call + bytes(surplus), NOW)) == (WakeUpReason.SIZE, "")  # noqa: B023


def test_another_header(waking: Waking) -> None:
    call = waking.call()
    for other in (b"SMGW-WKQ\1", b"SMGW-WKP\2", bytes(9)):
        assert refusal(lambda: waking.gate.open(other + call[9:], NOW)) == (WakeUpReason.HEADER, "")  # noqa: B023


def test_a_time_that_is_none(waking: Waking) -> None:
    call = bytearray(waking.call())
    call[ISSUED_AT] = b"\xff" * 8
    assert refusal(lambda: waking.gate.open(bytes(call), NOW)) == (WakeUpReason.CONTENT, "")


def test_signed_by_an_emt(waking: Waking) -> None:
    """FDP_IFF.1/FW: only the administrator wakes."""
    emt = waking.pki.holder(Role.EMT, Purpose.SIG)
    assert refusal(lambda: waking.gate.open(waking.call(key=emt.key), NOW)) == (WakeUpReason.SIGNATURE, "")


@pytest.mark.parametrize(
    ("role", "purpose", "cause"),
    [
        (Role.EMT, Purpose.SIG, "wrong-role"),
        (Role.SMGW, Purpose.SIG, "wrong-role"),
        (Role.GWA, Purpose.TLS, "wrong-purpose"),
        (Role.GWA, Purpose.ENC, "wrong-purpose"),
    ],
)
def test_a_profile_cannot_make_an_administrator_of_somebody_else(
    waking: Waking, role: Role, purpose: Purpose, cause: str
) -> None:
    other = waking.pki.holder(role, purpose, GATEWAY.text if role is Role.SMGW else "Netz")
    waking.pin(other)
    assert refusal(lambda: waking.gate.open(waking.call(key=other.key), NOW)) == (WakeUpReason.CERTIFICATE, cause)


def test_another_administrator_of_the_same_pki(waking: Waking) -> None:
    other = waking.pki.holder(Role.GWA, Purpose.SIG, "Andere")
    assert refusal(lambda: waking.gate.open(waking.call(key=other.key), NOW)) == (WakeUpReason.SIGNATURE, "")


def test_signed_under_an_expired_certificate(waking: Waking) -> None:
    end = waking.administrator.certificate.not_valid_after_utc + SECOND
    assert waking.profile is not None
    waking.profile = replace(waking.profile, valid_until=end + DAY)
    waking.trust = waking.pki.trust(now=end)
    assert refusal(lambda: waking.gate.open(waking.call(at=end), end)) == (WakeUpReason.CERTIFICATE, "expired")


def test_signed_under_a_revoked_certificate(waking: Waking) -> None:
    waking.gate.open(waking.call(), NOW)  # believed, until the list comes
    serial = waking.administrator.certificate.serial_number
    waking.trust = waking.pki.trust(sub_ca=(Revocation(serial, NOW),))
    assert refusal(lambda: waking.gate.open(waking.call(), NOW)) == (WakeUpReason.CERTIFICATE, "revoked")


def test_without_a_current_revocation_list(waking: Waking) -> None:
    later = NOW + 10 * DAY
    assert refusal(lambda: waking.gate.open(waking.call(at=later), later)) == (WakeUpReason.CERTIFICATE, "crl-stale")


def test_without_an_administrator(waking: Waking) -> None:
    profile, waking.profile = waking.profile, None
    assert refusal(lambda: waking.gate.open(waking.call(), NOW)) == (WakeUpReason.NO_ADMINISTRATOR, "")
    assert profile is not None
    waking.profile = replace(profile, valid_until=NOW)
    assert refusal(lambda: waking.gate.open(waking.call(), NOW)) == (WakeUpReason.NO_ADMINISTRATOR, "")
    waking.profile = replace(profile, valid_from=NOW + SECOND)
    assert refusal(lambda: waking.gate.open(waking.call(), NOW)) == (WakeUpReason.NO_ADMINISTRATOR, "")
    waking.profile = profile
    waking.gate.open(waking.call(), NOW)


class FullMemory:
    """A disk that takes no more: the one thing that a test cannot have for real in reasonable time."""

    def seen(self, *_: object) -> bool:
        return False

    def remember(self, *_: object) -> None:
        raise StoreFullError("no room")


def test_what_cannot_be_remembered_wakes_nobody(waking: Waking) -> None:
    gate = WakeUpGate(GATEWAY, FullMemory(), lambda: waking.profile, lambda: waking.trust)
    assert refusal(lambda: gate.open(waking.call(), NOW)) == (WakeUpReason.STORE, StoreReason.FULL.value)


def test_the_steps_come_in_their_order(waking: Waking) -> None:
    """TR-03109-1, wake-up: each datagram fails at its step and at every later one; the reason is that of the first."""
    stale = NOW + DAY
    seen = waking.call()
    waking.gate.open(seen, NOW)
    waking.profile = None
    foreign = waking.call(gateway=OTHER)[:-64] + bytes(64)
    assert refusal(lambda: waking.gate.open(b"SMGW-WKQ", stale))[0] is WakeUpReason.SIZE
    assert refusal(lambda: waking.gate.open(bytes(9) + foreign[9:], stale))[0] is WakeUpReason.HEADER
    assert refusal(lambda: waking.gate.open(foreign, stale))[0] is WakeUpReason.ADDRESSEE
    assert refusal(lambda: waking.gate.open(seen[:-64] + bytes(64), stale))[0] is WakeUpReason.STALE
    assert refusal(lambda: waking.gate.open(seen[:-64] + bytes(64), NOW))[0] is WakeUpReason.REPLAYED
    assert refusal(lambda: waking.gate.open(waking.call()[:-64] + bytes(64), NOW))[0] is WakeUpReason.NO_ADMINISTRATOR


def test_the_cheap_half_never_touches_certificate_or_signature(waking: Waking) -> None:
    waking.profile = None
    waking.gate.examine(waking.call()[:-64] + bytes(64), NOW)


def test_the_beginning_is_what_the_kernel_may_compare(waking: Waking) -> None:
    assert waking.gate.beginning == HEADER + GATEWAY.text.encode()
    assert waking.call().startswith(waking.gate.beginning)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waking]:
    waking = Waking(tmp_path_factory.mktemp("law"))
    yield waking
    waking.database.close()


@given(st.sampled_from(["", "header", "beginning"]), st.binary(max_size=SIZE + 20))
def test_law_only_its_own_error_escapes(standing: Waking, known: str, tail: bytes) -> None:
    datagram = {"": b"", "header": HEADER, "beginning": standing.gate.beginning}[known] + tail
    for candidate in (datagram, datagram.ljust(SIZE, b"\0")[:SIZE]):
        refusal(lambda: standing.gate.open(candidate, NOW))  # noqa: B023
