"""An administrator in the WAN by IPv4, a party by IPv6, and the interfaces of a gateway."""

from datetime import timedelta

from smgw.config import FirewallConfiguration, WakeUpConfiguration
from testbed.small_pki import NOW
from wire.profiles import AccessPurpose, AdministratorProfile, CommunicationProfile, ProxyProfile, ProxyScenario

BEGIN, END = NOW - timedelta(days=1), NOW + timedelta(days=30)
CERTIFICATE = b"\x30\x82\x01\x00" + bytes(256)
"""Of the right form: nobody here looks into it."""
ADMINISTRATOR = AdministratorProfile(
    id="gwa", version=1, party="Verwalter", host="192.0.2.1", management_port=4060, service_port=4061,
    tls_certificate=CERTIFICATE, signature_certificate=CERTIFICATE, valid_from=BEGIN, valid_until=END,
)  # fmt: skip
PARTY = CommunicationProfile(
    id="grid", version=1, party="Netz", host="2001:db8::7", port=443, path="/deliveries", tls_certificate=CERTIFICATE,
    encryption_certificate=CERTIFICATE, purposes=(AccessPurpose.GRID_OPERATION,), valid_from=BEGIN, valid_until=END,
)  # fmt: skip
SETTINGS = FirewallConfiguration("wan", "han", "lmn", https_port=443, cls_port=4433)
WAKE_UP = WakeUpConfiguration("::", 4059)


def proxy() -> ProxyProfile:
    return ProxyProfile(
        id="cls", version=1, party="grid", cls_certificate=CERTIFICATE, scenario=ProxyScenario.HKS3,
        valid_from=BEGIN, valid_until=END,
    )  # fmt: skip
