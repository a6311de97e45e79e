"""Names and profiles: what is built reads back as itself, and nothing else reads as a role."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from pki.errors import CertificateError, CertificateReason
from pki.profiles import CRITICAL, END_ROLES, Purpose, Role, Subject, profile_of, read_subject, subject_name

NAMES = {
    Role.SMGW: "EABC0012345678",
    Role.EMT: "Netz Mitte_2",
    Role.GWA: "Admin",
    Role.GWH: "Werk",
    Role.SUB_CA: "Testbed",
}


@pytest.mark.parametrize(("role", "name"), [*NAMES.items(), (Role.ROOT, "SM-Test-Root"), (Role.ROOT, "SM-Root")])
def test_names_read_back(role: Role, name: str) -> None:
    built = subject_name(role, name, organisation="SM-Test-PKI-DE", country="DE", generation=2, unit="4012345000009")
    assert read_subject(built) == Subject(role, name)
    assert next(iter(built)).oid == NameOID.COMMON_NAME


@given(role=st.sampled_from([*NAMES]), name=st.text(max_size=70))
def test_a_name_is_built_for_its_role_or_refused(role: Role, name: str) -> None:
    try:
        built = subject_name(role, name, organisation="SM-Test-PKI-DE", country="DE", generation=1)
    except CertificateError as error:
        reason = error.reason
    else:
        assert read_subject(built) == Subject(role, name)
        return
    assert reason is CertificateReason.WRONG_NAME


def test_an_extension_of_the_name_does_not_change_the_role() -> None:
    def subject(common_name: str) -> Subject:
        parts = [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SM-Test-PKI-DE"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "1"),
        ]
        return read_subject(x509.Name(parts))

    assert subject("Netz.EMT.2") == Subject(Role.EMT, "Netz")
    for ambiguous in (
        "Netz.EMT.GWA",
        "Netz.EMT.GWH",
        "Werk.GWH.GWA",
        "Netz.GWA.EMT",
        "Netz.EMT.SMGW",
        "Netz.EMT.CA1",
        "A.B.EMT",
    ):
        with pytest.raises(CertificateError):
            subject(ambiguous)


def test_a_relative_name_of_two_values() -> None:
    parts = list(subject_name(Role.EMT, "Netz", organisation="SM-Test-PKI-DE", country="DE", generation=1))
    joined = x509.RelativeDistinguishedName(parts[:2])
    with pytest.raises(CertificateError):
        read_subject(x509.Name([joined, *(x509.RelativeDistinguishedName([part]) for part in parts[2:])]))


@pytest.mark.parametrize("kind", [NameOID.TITLE, NameOID.COUNTRY_NAME], ids=["unknown", "twice"])
def test_a_part_of_a_ca_name_that_does_not_belong(kind: x509.ObjectIdentifier) -> None:
    parts = list(subject_name(Role.SUB_CA, "Testbed", organisation="SM-Test-PKI-DE", country="DE", generation=1))
    with pytest.raises(CertificateError):
        read_subject(x509.Name([*parts, x509.NameAttribute(kind, "DE")]))


def test_a_sub_ca_may_have_its_unit_after_the_serial_number() -> None:
    parts = list(subject_name(Role.SUB_CA, "Testbed", organisation="SM-Test-PKI-DE", country="DE", generation=1))
    moved = x509.Name([*parts, x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "unit")])
    assert read_subject(moved) == Subject(Role.SUB_CA, "Testbed")


def test_profiles_of_end_users() -> None:
    for role in END_ROLES:
        for purpose in Purpose:
            profile = profile_of(role, purpose)
            assert not profile.ca
            assert profile.required <= profile.allowed <= set(CRITICAL)
            assert (ExtensionOID.EXTENDED_KEY_USAGE in profile.allowed) is (purpose is Purpose.TLS)
            assert (ExtensionOID.SUBJECT_ALTERNATIVE_NAME in profile.allowed) is (role is not Role.SMGW)
            assert ExtensionOID.PRIVATE_KEY_USAGE_PERIOD not in profile.allowed
    with pytest.raises(RuntimeError):
        profile_of(Role.SMGW)
