"""What an administrator says of himself to a gateway that knows nobody yet."""

from datetime import timedelta

import pytest

from admin.errors import ConfigError
from admin.introduction import introduction
from pki import cms
from pki.certificates import Purpose, Role
from pki.errors import CertificateError
from tests.admin.bureau import NOW, Bureau, der, pem
from wire.profiles import AdministratorProfile, parse_profile

pytestmark = pytest.mark.token


def test_a_gateway_finds_in_it_what_it_must_know(bureau: Bureau) -> None:
    tunnel = bureau.pki.holder(Role.GWA, Purpose.TLS, bureau.name)
    (bureau.folder / "certificates" / "TLS.pem").write_bytes(pem(tunnel.certificate))
    with bureau.open() as office:
        document = introduction(office, "gwa", "admin.example", 3, NOW)
    opened = cms.open_document(document, signers=[bureau.office_certificate()])
    profile = parse_profile(opened.content)
    assert isinstance(profile, AdministratorProfile)
    assert (profile.id, profile.version, profile.party, profile.host) == ("gwa", 3, "Verwalter", "admin.example")
    assert (profile.management_port, profile.service_port) == (18450, 18451)
    assert profile.tls_certificate == der(tunnel)
    assert profile.valid_from <= NOW < profile.valid_until <= tunnel.certificate.not_valid_after_utc


def test_without_a_certificate_for_its_servers_there_is_nothing_to_say(bureau: Bureau) -> None:
    with bureau.open() as office, pytest.raises(ConfigError, match=r"TLS\.pem cannot be read"):
        introduction(office, "gwa", "admin.example", 1, NOW)


def test_nothing_is_signed_that_no_gateway_would_believe(bureau: Bureau) -> None:
    with bureau.open() as office, pytest.raises(CertificateError):
        introduction(office, "gwa", "admin.example", 1, NOW + timedelta(days=10_000))


def test_a_host_that_is_none_is_refused(bureau: Bureau) -> None:
    tunnel = bureau.pki.holder(Role.GWA, Purpose.TLS, bureau.name)
    (bureau.folder / "certificates" / "TLS.pem").write_bytes(pem(tunnel.certificate))
    with bureau.open() as office, pytest.raises(ConfigError, match="no profile of an administrator"):
        introduction(office, "gwa", "not a host", 1, NOW)
