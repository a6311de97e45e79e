"""Drafts out of forms: what a person chose, written down as the TOML that anybody may also write by hand.

Decides the names of drafts and what the usual choice means; whether the result is a profile, and whether it fits to
what the gateway holds, is decided by the same code that judges files. The recipient of an access is the fingerprint of
the party's certificate as it stands, so nobody has to copy one. No version is written: a draft gets the next one.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import lcm
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from admin.office import Office
from admin.web.choices import Choices, MeterChoice
from admin.web.forms import IDENTIFIER, Fault, Form, first
from pki.certificates import Purpose, Role, fingerprint, load_certificate
from pki.errors import CertificateError
from wire.profiles import AccessPurpose, UseCase
from wire.reading import DeviceId

PERIODS: Final = ("1 min", "5 min", "15 min", "30 min", "1 h", "1 d")
"""Of a series: between two readings, and between two deliveries."""
BILLING: Final = ("1 month", "3 months", "12 months", "1 day")
"""Of a sum: from the first day of a month on, by the local calendar."""
OFFERED: Final[Mapping[UseCase, str]] = {
    UseCase.TAF_7: "series",
    UseCase.TAF_1: "sum",
    UseCase.TAF_6: "daily",
    UseCase.TAF_9: "present",
    UseCase.TAF_10: "grid",
    UseCase.TAF_14: "stream",
}
"""What a form can say, and how such an access is named; a rule with stages or events is written as a draft's text."""
AT_A_RASTER: Final = frozenset({UseCase.TAF_7, UseCase.TAF_9, UseCase.TAF_10, UseCase.TAF_14})
"""The use cases of which a person chooses how often there is a value and how often it is sent."""
USUAL: Final = "usual"
USUAL_PURPOSE: Final[Mapping[UseCase, AccessPurpose]] = {
    UseCase.TAF_7: AccessPurpose.GRID_OPERATION,
    UseCase.TAF_1: AccessPurpose.BILLING,
    UseCase.TAF_6: AccessPurpose.BILLING,
    UseCase.TAF_9: AccessPurpose.GRID_OPERATION,
    UseCase.TAF_10: AccessPurpose.GRID_OPERATION,
    UseCase.TAF_14: AccessPurpose.VALUE_ADDED,
}
"""What a grid operator's series, a supplier's sum and the like are for."""
INTERVALS: Final = ("15 min", "5 min", "1 min", "1 h")
MAXIMUM_POWER: Final = 10**9


@dataclass(frozen=True, slots=True)
class Written:
    """A draft that a form wrote, and the drafts that are issued before it because it needs them."""

    name: str
    text: str
    needs: tuple[str, ...] = ()


def access(form: Form, offered: Choices, at: datetime) -> Written:
    """Access of a party to values of meters; the form's faults say what is missing."""
    use_case = UseCase(form.choice("use_case", OFFERED))
    party = offered.parties.get(form.choice("party", offered.parties))
    meters = form.many("meters", offered.meters)
    registers = form.many("registers", offered.registers)
    series = use_case in AT_A_RASTER
    period = dispatch = "1 d"
    if series:
        period, dispatch = form.choice("period", PERIODS), form.choice("dispatch", PERIODS)
    elif use_case is UseCase.TAF_1:
        period = _raster([offered.meters[one] for one in meters])
    billing = form.choice("billing_period", BILLING) if use_case is UseCase.TAF_1 else ""
    if series and "dispatch" not in form.faults and PERIODS.index(dispatch) < PERIODS.index(period):
        form.fault("dispatch", Fault.ORDER)
    chosen = form.choice("purpose", [USUAL, *AccessPurpose])
    begin, end = form.validity("begin", "end", at)
    alias = form.text("pseudonym", r"EPSN\d{10}", default="")
    if form.faults or party is None:
        return Written("", "")
    usual = USUAL_PURPOSE[use_case]
    purpose = chosen if chosen != USUAL else usual if usual in party.purposes else first(party.purposes, usual)
    name = form.text("name", IDENTIFIER, default=_access_name(party.id, meters, OFFERED[use_case]))
    needed = [party.draft, *(offered.meters[one].draft for one in meters)]
    values: dict[str, object] = {
        "kind": "evaluation",
        "id": name,
        "use_case": use_case.value,
        "party": party.id,
        "purpose": str(purpose),
        "meters": meters,
        "registers": registers,
        "period": period,
        "dispatch": dispatch,
        "valid_from": begin,
        "valid_until": end,
        "recipient": party.recipient,
    }
    if billing:
        values["billing"] = billing
    if alias:
        values["pseudonym"] = alias
    return Written(name, toml(values), tuple(dict.fromkeys(draft for draft in needed if draft)))


def meter(form: Form, at: datetime) -> Written:
    """A meter on a line."""
    device = form.device("meter")
    identifier = form.text("consumer", IDENTIFIER)
    registers = form.registers("registers")
    values: dict[str, object] = {
        "kind": "meter",
        "id": form.text("name", IDENTIFIER, default=device.text.lower()),
        "meter": device.text,
        "consumer": identifier,
        "identity": form.text("identity", r"[\x21-\x7e]{1,32}", default=device.text[-8:]),
        "manufacturer": form.text("manufacturer", r"[A-Z]{2}[A-Za-z]", default=device.text[1:4]),
        "line": form.text("line", IDENTIFIER),
        "address": form.text("address", r"[0-9A-Za-z ]{0,32}", default=""),
        "registers": registers,
        "interval": form.choice("interval", INTERVALS),
        "maximum_power_watts": form.integer("maximum_power_watts", 1, MAXIMUM_POWER),
    }
    values["valid_from"], values["valid_until"] = form.validity("begin", "end", at)
    return Written(str(values["id"]), toml(values))


def party(form: Form, office: Office, at: datetime) -> Written:
    """A party and where it is reached; its certificates must be believed now, each for its purpose."""
    name = form.text("party", longest=128)
    tls = _certificate(form, office, "tls_certificate", Purpose.TLS, at)
    encryption = _certificate(form, office, "encryption_certificate", Purpose.ENC, at)
    values: dict[str, object] = {
        "kind": "communication",
        "id": form.text("name", IDENTIFIER, default=_slug(name)),
        "party": name,
        "host": form.text("host", r"[0-9A-Za-z.:-]{1,253}"),
        "port": form.integer("port", 1, 65_535),
        "path": form.text("path", r"(/[A-Za-z0-9._~-]{1,65}){1,8}"),
        "tls_certificate": _base64(tls),
        "encryption_certificate": _base64(encryption),
        "purposes": form.many("purposes", list(AccessPurpose)),
        "valid_from": at.replace(microsecond=0),
    }
    # A party is not known for longer than its certificates are worth something.
    values["valid_until"] = min(
        (one.not_valid_after_utc for one in (tls, encryption) if one is not None), default=at.replace(microsecond=0)
    )
    return Written(str(values["id"]), toml(values))


def toml(values: Mapping[str, object]) -> str:
    """One table of texts, numbers, times and lists of texts."""
    return "".join(f"{name} = {_value(value)}\n" for name, value in values.items())


def _value(value: object) -> str:
    match value:
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case int():
            return str(value)
        case str():
            # A JSON text of printable characters is a basic string of TOML.
            return json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(_value(one) for one in value)}]"
        case _:
            raise TypeError(type(value).__name__)


def _raster(meters: Sequence[MeterChoice]) -> str:
    """The finest raster on which every one of the meters has stored readings; each of theirs divides a day."""
    return f"{lcm(*(one.store_seconds for one in meters))} s"


def _access_name(party_id: str, meters: Sequence[str], kind: str) -> str:
    """One name for the same access again, so that changing it gives its next version and not a second access."""
    house = DeviceId(meters[0]).text[-8:] if len(meters) == 1 else "house"
    return f"{party_id[:48]}-{kind}-{house}"


def _slug(name: str) -> str:
    plain = name.lower()
    for letter, written in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        plain = plain.replace(letter, written)
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48] or "party"


def _certificate(form: Form, office: Office, name: str, purpose: Purpose, at: datetime) -> x509.Certificate | None:
    data = form.file(name)
    if not data:
        form.fault(name, Fault.MISSING)
        return None
    try:
        certificate = load_certificate(data)
        office.trust().verify(certificate, role=Role.EMT, purpose=purpose, at=at, pinned={fingerprint(certificate)})
    except CertificateError:
        form.fault(name, Fault.CERTIFICATE)
        return None
    return certificate


def _base64(certificate: x509.Certificate | None) -> str:
    return "" if certificate is None else base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
