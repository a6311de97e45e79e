"""The commands: every field is checked where a command is built, and no command asks for what nobody may have."""

from dataclasses import replace
from typing import Any

import pytest

from tests.wire.orders.examples import COMMANDS
from tests.wire.profiles.examples import COMMUNICATION, METER, certificate
from wire.errors import OrderError
from wire.orders import (
    ActivateFirmware,
    ChangeProfiles,
    Command,
    InstallCertificates,
    InstallRevocationLists,
    ProfileReference,
    RaiseEvent,
    RequestValues,
    SetRetention,
    StoreFirmware,
    SynchroniseClock,
)

EXAMPLES: dict[type, Command] = {type(command): command for command in COMMANDS}
SERIES = ProfileReference("evaluation", "series-9")
MANY = tuple(replace(METER, id=f"meter-{number}") for number in range(129))


@pytest.mark.parametrize(
    ("kind", "deviation", "why"),
    [
        (ChangeProfiles, {"install": (), "withdraw": ()}, "1 to 128 profiles"),
        (ChangeProfiles, {"install": MANY, "withdraw": ()}, "1 to 128 profiles"),
        (ChangeProfiles, {"install": (METER, replace(METER, version=2))}, "twice"),
        (ChangeProfiles, {"install": (METER,), "withdraw": (ProfileReference("meter", METER.id),)}, "twice"),
        (ChangeProfiles, {"withdraw": (SERIES, SERIES)}, "twice"),
        (ChangeProfiles, {"install": [METER]}, "install"),
        (ChangeProfiles, {"install": (METER.to_bytes(),)}, "install"),
        (ChangeProfiles, {"withdraw": [SERIES]}, "withdraw"),
        (ChangeProfiles, {"withdraw": ("series-9",)}, "withdraw"),
        (InstallCertificates, {"tls": b""}, "tls"),
        (InstallCertificates, {"sig": certificate(1)[:-1]}, "sig"),
        (InstallCertificates, {"enc": "MIIB"}, "enc"),
        (InstallCertificates, {"authorities": [certificate(1)]}, "authorities"),
        (InstallCertificates, {"authorities": (b"",)}, "authorities"),
        (InstallCertificates, {"authorities": (certificate(1), certificate(1))}, "authorities"),
        (InstallCertificates, {"authorities": tuple(certificate(n) for n in range(9))}, "authorities"),
        (InstallRevocationLists, {"lists": ()}, "lists"),
        (InstallRevocationLists, {"lists": (certificate(1), b"\x30\x00")}, "lists"),
        (InstallRevocationLists, {"lists": tuple(certificate(n) for n in range(9))}, "lists"),
        (InstallRevocationLists, {"lists": (b"\x30\x83\x04\x00\x00" + bytes(0x40000),)}, "lists"),
        (SetRetention, {"readings_days": 0}, "readings_days"),
        (SetRetention, {"readings_days": 3661}, "readings_days"),
        (SetRetention, {"system_log_days": 0}, "system_log_days"),
        (SetRetention, {"system_log_days": True}, "system_log_days"),
        (SynchroniseClock, {"accept_any_deviation": 1}, "accept_any_deviation"),
        (RaiseEvent, {"name": "a b"}, "name"),
        (RaiseEvent, {"name": 1}, "name"),
        (RaiseEvent, {"active": 1}, "active"),
        (RequestValues, {"profile": ""}, "profile"),
        (RequestValues, {"profile": None}, "profile"),
        (StoreFirmware, {"sha256": "0" * 63}, "sha256"),
        (StoreFirmware, {"sha256": "A" * 64}, "sha256"),
        (ActivateFirmware, {"version": "1"}, "version"),
        (ActivateFirmware, {"version": "1.02"}, "version"),
        (ActivateFirmware, {"version": "1.0rc1"}, "version"),
        (ActivateFirmware, {"version": "1.0.0.0.0"}, "version"),
        (ActivateFirmware, {"version": "1.0\n"}, "version"),
    ],
)
def test_a_field_out_of_bounds_is_refused(kind: type, deviation: dict[str, Any], why: str) -> None:
    with pytest.raises(OrderError, match=why):
        replace(EXAMPLES[kind], **deviation)


@pytest.mark.parametrize(("kind", "name"), [("orders", "a"), ("", "a"), (["meter"], "a"), ("meter", "a/b")])
def test_a_reference_names_a_kind_and_an_id(kind: Any, name: str) -> None:
    with pytest.raises(OrderError):
        ProfileReference(kind, name)


def test_the_largest_revocation_list_is_accepted() -> None:
    size = 256 * 1024 - 5
    largest = b"\x30\x83" + size.to_bytes(3, "big") + bytes(size)
    assert InstallRevocationLists((largest,)).lists == (largest,)


def test_profiles_of_different_kinds_may_share_an_id_here() -> None:
    """check_set finds it in the whole set that would result, which is where it is wrong."""
    assert len(ChangeProfiles((METER, replace(COMMUNICATION, id=METER.id))).install) == 2


def test_no_command_names_readings_or_a_consumer() -> None:
    for command in COMMANDS:
        assert "consumer" not in command.KIND
        assert "reading" not in command.KIND
