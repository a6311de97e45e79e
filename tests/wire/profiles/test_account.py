"""The account profile: every field is checked where the profile is built."""

from dataclasses import replace
from typing import Any

import pytest

from tests.wire.profiles.examples import ACCOUNT, BEGIN, certificate
from wire.errors import ProfileError
from wire.profiles import AccountProfile, AccountRole
from wire.profiles.account import require_user_name, verifier_of

TECHNICIAN = replace(ACCOUNT, id="technician", name="technician", role=AccountRole.TECHNICIAN, consumer=None)


@pytest.mark.parametrize(
    ("deviation", "field"),
    [
        ({"id": ""}, "id"),
        ({"version": 0}, "version"),
        ({"name": "House"}, "name"),
        ({"role": "consumer"}, "role"),
        ({"consumer": "house 1"}, "consumer"),
        ({"consumer": None}, "consumer"),
        ({"role": AccountRole.TECHNICIAN}, "consumer"),
        ({"fingerprints": ["ab" * 32]}, "fingerprints"),
        ({"fingerprints": ("AB" * 32,)}, "fingerprints"),
        ({"fingerprints": ("ab" * 32, "ab" * 32)}, "fingerprints"),
        ({"fingerprints": tuple(f"{number:064x}" for number in range(9))}, "fingerprints"),
        ({"fingerprints": (b"ab" * 32,)}, "fingerprints"),
        ({"verifier": b"\x30\x03abc"}, "verifier"),
        ({"verifier": "verifier"}, "verifier"),
        ({"verifier": b"\x30\x82\x08\x00" + bytes(2048)}, "verifier"),
        ({"verifier": None, "fingerprints": ()}, "fingerprint"),
        ({"valid_until": BEGIN}, "validity"),
        ({"md5": 1}, "md5"),
        ({"md5": None}, "md5"),
        ({"md5": True, "verifier": None}, "md5"),
        ({"md5": True, "role": AccountRole.TECHNICIAN, "consumer": None}, "md5"),
    ],
)
def test_a_field_out_of_bounds_is_refused(deviation: dict[str, Any], field: str) -> None:
    with pytest.raises(ProfileError, match=field):
        replace(ACCOUNT, **deviation)


def test_one_way_of_proving_it_is_enough() -> None:
    """PP-0073 FIA_UAU.5: a password, a certificate, or both; and FMT_SMR.1: a technician is nobody's consumer."""
    for profile in (ACCOUNT, TECHNICIAN):
        replace(profile, verifier=None)
        replace(profile, fingerprints=())
        replace(profile, verifier=b"\x30\x82\x07\xfc" + bytes(2044), fingerprints=())
    assert replace(ACCOUNT, verifier=certificate(7)) != ACCOUNT


def test_an_account_is_open_to_older_clients_by_its_own_word_alone() -> None:
    """FIA_UAU.5: the document says it of each account, and one that says nothing of it is none."""
    assert not ACCOUNT.md5
    opened = replace(ACCOUNT, md5=True)
    assert b'"md5":true' in opened.to_bytes()
    assert AccountProfile.from_bytes(opened.to_bytes()) == opened
    with pytest.raises(ProfileError, match="md5"):
        AccountProfile.from_bytes(ACCOUNT.to_bytes().replace(b'"md5":false,', b""))


@pytest.mark.parametrize("name", ["a", "0", "house-1", "a.b_c-d", "a" * 32])
def test_a_user_name_is_typed_alike_everywhere(name: str) -> None:
    require_user_name("name", name)
    for wrong in (name.upper() if name.islower() else "-" + name, name + ":", " " + name, name + "\n", name + "ä"):
        with pytest.raises(ProfileError, match="name is not well formed"):
            require_user_name("name", wrong)


@pytest.mark.parametrize("name", ["", ".a", "-a", "_a", "a" * 33, "a:b", "müller", "ﬁ"])
def test_what_is_no_user_name(name: str) -> None:
    with pytest.raises(ProfileError, match="name is not well formed"):
        require_user_name("name", name)


def test_a_verifier_is_that_of_the_rfc() -> None:
    """User, realm and password of RFC 7616, section 3.9.1; PP-0073 FIA_UAU.5."""
    sha256, md5 = (
        "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232",
        "3d78807defe7de2157e2b0b6573a855f",
    )
    said = ("Mufasa", "http-auth@example.org", "Circle of Life")
    assert verifier_of(*said).hex() == sha256
    assert verifier_of(*said, md5=True).hex() == sha256 + md5
