from enum import StrEnum

import pytest

from datacenter.errors import RefusalReason
from smgw.lmn.errors import LineState, PollReason
from smgw.logs.errors import AccessReason, IntegrityReason
from smgw.logs.texts import PLACEHOLDER, TEXTS
from smgw.logs.words import GERMAN, TRANSLATED, in_german
from smgw.metering.errors import VerificationReason
from smgw.secure_states import Condition, SecureState
from smgw.self_test import CheckName
from smgw.store.event_table import KINDS
from smgw.wan.time_service import TimeReason
from wire.profiles import KINDS as PROFILES


@pytest.mark.parametrize(
    "words",
    [SecureState, Condition, CheckName, LineState, PollReason, VerificationReason, TimeReason, AccessReason],
)
def test_every_word_that_a_consumer_reads_has_its_german(words: type[StrEnum]) -> None:
    """TR-03109-1, log texts: what stopped her gateway is told in one language, not in two."""
    assert {word.value for word in words} <= GERMAN.keys()


def test_kinds_of_profiles_and_of_alterations_too() -> None:
    assert PROFILES.keys() <= GERMAN.keys()
    assert set(IntegrityReason) - GERMAN.keys() == {IntegrityReason.FORM, IntegrityReason.GATEWAY}


def test_why_a_party_does_not_take_a_delivery_has_its_german() -> None:
    """TR-03109-1, log texts: a party's answer is told in her own language; a tunnel's never ends a delivery."""
    tunnels = {RefusalReason.TUNNEL_CERTIFICATE, RefusalReason.TUNNEL_TOO_OLD, RefusalReason.TRUST_STALE}
    assert set(RefusalReason) - tunnels - GERMAN.keys() == {RefusalReason.FUTURE}


def test_lists_and_what_is_no_word() -> None:
    assert in_german("database logs") == "Datenbank, Logs"
    for unchanged in ("", 7, "somebody said so", "1ISK0087654321"):
        assert in_german(unchanged) == unchanged


def test_translated_parameters_are_those_of_texts() -> None:
    told = {name for text in TEXTS.values() for name in PLACEHOLDER.findall(text.german + text.german_failure)}
    assert told >= TRANSLATED
    assert {name for kind in KINDS.values() for name in kind.parameters} >= TRANSLATED
