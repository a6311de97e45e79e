"""Drafts as people write them, and the profiles of one house."""

import base64
from datetime import UTC, datetime, timedelta

from pki.certificates import Purpose, Role
from testbed.small_pki import NOW, SmallPki
from tests.admin.bureau import der
from wire.profiles import AccessPurpose, CommunicationProfile

PKI = SmallPki(seed=7)
TLS, ENC = PKI.holder(Role.EMT, Purpose.TLS), PKI.holder(Role.EMT, Purpose.ENC)
BEGIN, END = NOW - timedelta(days=1), NOW + timedelta(days=300)

COMMUNICATION = CommunicationProfile(
    id="netz",
    version=1,
    party="Netz",
    host="127.0.0.1",
    port=8443,
    path="/deliveries",
    tls_certificate=der(TLS),
    encryption_certificate=der(ENC),
    purposes=(AccessPurpose.GRID_OPERATION,),
    valid_from=BEGIN,
    valid_until=END,
)


def instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


VALIDITY = f"valid_from = {instant(BEGIN)}\nvalid_until = {instant(END)}\n"
NETZ = f"""
kind = "communication"
id = "netz"
party = "Netz"
host = "127.0.0.1"
port = 8443
path = "/deliveries"
tls_certificate = "{base64.b64encode(der(TLS)).decode()}"
encryption_certificate = "{base64.b64encode(der(ENC)).decode()}"
purposes = "grid-operation"
{VALIDITY}"""
METER = f"""
kind = "meter"
id = "meter"
meter = "1ISK0012345678"
consumer = "house"
identity = "12345678"
manufacturer = "ISK"
line = "rs485"
registers = "1-0:1.8.0"
interval = "15 min"
maximum_power_watts = 30000
{VALIDITY}"""
SERIES = f"""
kind = "evaluation"
id = "netz-series"
use_case = "TAF-7"
party = "netz"
purpose = "grid-operation"
meters = "1ISK0012345678"
registers = "1-0:1.8.0"
period = "15 min"
recipient = "{COMMUNICATION.encryption_fingerprint}"
{VALIDITY}"""
