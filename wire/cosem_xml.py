"""Readings as a COSEM/XML content document: what is sealed for a market participant.

Decides the shape: one ``object`` of COSEM class 7 (profile generic) in the namespaces of DKE/K461, one column for each
device and register, one signed entry for each reading. The shape follows what real gateways send; the schema that
vendors use is not public, so ``content.xsd`` beside this file is our own (docs/deviations.md).

A document has exactly one spelling. Every value in it comes from an alphabet that needs no escaping, its nesting is
fixed, and so the canonical form is a regular language: it is *recognised*, field by field, by the expressions below,
and no general XML parser stands between a peer and the values. A document type, an entity, a comment, a processing
instruction, another encoding or another prefix is not refused by a switch that somebody could forget: there is nothing
that could read it. Each expression admits one spelling of its value, and the order of the entries is checked, so
``render(parse(data)) == data`` for every document that is accepted.

A document says how long it is and has exactly that length: line feeds follow its end until then. The length is one of
a few that no digit of any reading decides (``wire/content_size.py``, FPR_CON.1). What may stand in a document at all is
decided in ``wire/content.py``.

Measured on 96 readings: the expressions cost a third of what lxml needs for the bare tree and a fifth of expat's bare
events; making typed values costs more.
"""

import base64
import binascii
import re
from itertools import groupby, pairwise

from wire.content import Content, Readings, column_of
from wire.content_size import MAXIMUM_BYTES, MAXIMUM_READINGS
from wire.errors import ContentError, WireError
from wire.instant import format_instant, parse_instant
from wire.obis import Obis
from wire.profiles import UseCase, is_pseudonym
from wire.reading import DeviceId, Reading, Register, SignedReading, Unit, UnsignedReading

__all__ = ["EXTENSION", "MAXIMUM_BYTES", "MEDIA_TYPE", "PROFILE_GENERIC", "Content", "Readings", "parse", "render"]

MEDIA_TYPE = "application/vnd.de-dke-k461-ic1+xml; encap=cms-tr03109"
PROFILE_GENERIC = "urn:k461-dke-de:profile_generic-1"
EXTENSION = "urn:k461-dke-de:extension-1"
_CLASS_PROFILE_GENERIC = 7
_CLASS_SIGNED_REGISTER = 32822
"""Class of captured values with an inner signature, as observed on real gateways."""
_CLASS_EXTENDED_REGISTER = 4
"""IEC 62056-6-2: value, scaler and unit, status and time of capture, and nothing else; what a pseudonym may say."""
_INSTANCES = {use_case: f"01005e3180{0x20 + int(use_case.value.removeprefix('TAF-')):02x}" for use_case in UseCase}
"""Logical name of the object by use case: the last byte is 0x20 + the TAF's number (inferred from samples)."""
_USE_CASES = {instance: use_case for use_case, instance in _INSTANCES.items()}
_UNITS = {str(unit.value): unit for unit in Unit}

_INTEGER = r"0|-?[1-9]\d{0,18}"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
_COUNT = r"[1-9]\d{0,18}"
_HEAD = re.compile(
    r'<\?xml version="1\.0" encoding="UTF-8"\?>\n'
    rf'<object xmlns="{PROFILE_GENERIC}" xmlns:cox="{EXTENSION}" class_id="{_CLASS_PROFILE_GENERIC}"'
    r' class_version="1" id="([0-9a-f]{12})\.([0-9a-z]{14})\.sm">\n'
    r"<attributes>\n"
    r"<cox:logical_name>(\1\.\2\.sm)</cox:logical_name>\n"
    r'<cox:delivery profile="([A-Za-z0-9._-]{1,64})" use_case="([A-Z0-9-]{1,16})"'
    rf' sequence="({_COUNT})" created_at="({_TIME})" period_begin="({_TIME})" period_end="({_TIME})"'
    rf' size="({_COUNT})"/>\n'
    r"<capture_objects>\n",
    re.ASCII,
)
_CAPTURE_OBJECT = re.compile(
    r'<capture_object id="([1-9]\d{0,3})"><cox:logical_name>([0-9a-f]{12})\.([0-9a-z]{14})\.sm</cox:logical_name>'
    rf"<cox:class_id>({_CLASS_SIGNED_REGISTER}|{_CLASS_EXTENDED_REGISTER})</cox:class_id></capture_object>\n",
    re.ASCII,
)
_BUFFER = "</capture_objects>\n<buffer>\n<simple_data>\n"
_COLUMN = re.compile(r'<column id="([1-9]\d{0,3})" count="([1-9]\d{0,3})">\n', re.ASCII)
_VALUES = (
    rf' id="([1-9]\d{{0,3}})"><value><long64>({_INTEGER})</long64></value>'
    rf"<scaler>({_INTEGER})</scaler><unit>(\d{{1,3}})</unit>"
    r"<status><octet-string>([0-9a-f]{16})</octet-string></status>"
    rf"<capture_time>({_TIME})</capture_time>"
)
_ENTRY = re.compile(
    rf"<entry_gateway_signed{_VALUES}"
    r"<smgw_signature>([A-Za-z0-9+/]{85}[AQgw]==)</smgw_signature></entry_gateway_signed>\n",
    re.ASCII,
)
"""Of the signature's last letter only two bits count; the others are zero, or one signature had sixteen spellings."""
_UNSIGNED_ENTRY = re.compile(rf"<entry{_VALUES}</entry>\n", re.ASCII)
_COLUMN_END = "</column>\n"
_TAIL = "</simple_data>\n</buffer>\n</attributes>\n</object>\n"
_PADDING = "\n"


def render(content: Content) -> bytes:
    """The one spelling of ``content``: UTF-8 (in fact ASCII) with one line for each entry, ``content.size`` bytes."""
    name = f"{_INSTANCES[content.use_case]}.{content.gateway.text.lower()}.sm"
    captured_class = _CLASS_EXTENDED_REGISTER if content.pseudonymous else _CLASS_SIGNED_REGISTER
    columns = [(column, list(entries)) for column, entries in groupby(content.readings, key=column_of)]
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<object xmlns="{PROFILE_GENERIC}" xmlns:cox="{EXTENSION}" class_id="{_CLASS_PROFILE_GENERIC}"'
        f' class_version="1" id="{name}">\n'
        "<attributes>\n"
        f"<cox:logical_name>{name}</cox:logical_name>\n"
        f'<cox:delivery profile="{content.profile}" use_case="{content.use_case.value}" sequence="{content.sequence}"'
        f' created_at="{format_instant(content.created_at)}" period_begin="{format_instant(content.period_begin)}"'
        f' period_end="{format_instant(content.period_end)}" size="{content.size}"/>\n'
        "<capture_objects>\n"
    )
    lines = [head]
    lines += [
        f'<capture_object id="{number}"><cox:logical_name>{_logical_name(device, obis)}</cox:logical_name>'
        f"<cox:class_id>{captured_class}</cox:class_id></capture_object>\n"
        for number, ((device, obis), _) in enumerate(columns, 1)
    ]
    lines.append(_BUFFER)
    for number, (_, entries) in enumerate(columns, 1):
        lines.append(f'<column id="{number}" count="{len(entries)}">\n')
        lines += [_entry(place, signed) for place, signed in enumerate(entries, 1)]
        lines.append(_COLUMN_END)
    lines.append(_TAIL)
    # A content without room for the widest document of its shape cannot be built, so nothing is ever cut off here.
    return "".join(lines).ljust(content.size, _PADDING).encode("ascii")


def parse(data: bytes) -> Content:
    """Recognise the bytes that :func:`render` writes, and nothing else. Raises ContentError."""
    # 1. Bounds, before anything is built.
    if len(data) > MAXIMUM_BYTES:
        raise ContentError(f"a document has {len(data)} bytes, more than {MAXIMUM_BYTES}")
    # 2. The shape, and each value's own type and only spelling.
    try:
        return _recognise(data.decode("ascii"))
    except ContentError:
        raise
    except (WireError, UnicodeDecodeError) as error:
        raise ContentError(f"a value is not well formed: {error}"[:200]) from error


def _recognise(text: str) -> Content:
    head = _match(_HEAD, text, 0)
    instance, gateway, _, profile, use_case, sequence, created_at, period_begin, period_end, size = head.groups()
    if instance not in _USE_CASES or _USE_CASES[instance].value != use_case:
        raise ContentError("the object's name and its use case disagree")
    pseudonymous = is_pseudonym(_device(gateway))
    entry_form = _UNSIGNED_ENTRY if pseudonymous else _ENTRY
    columns, position = _capture_objects(
        text, head.end(), _CLASS_EXTENDED_REGISTER if pseudonymous else _CLASS_SIGNED_REGISTER
    )
    position = _literal(_BUFFER, text, position)
    readings: list[SignedReading | UnsignedReading] = []
    for number, (device, obis) in enumerate(columns, 1):
        column = _match(_COLUMN, text, position)
        first = len(readings)
        position = column.end()
        while found := entry_form.match(text, position):
            if len(readings) == MAXIMUM_READINGS:
                raise ContentError(f"a document holds at most {MAXIMUM_READINGS} readings")
            number_in_column, *values = found.groups()
            readings.append(_reading(device, obis, values))
            if int(number_in_column) != len(readings) - first:
                raise ContentError("the entries of a column are not numbered 1, 2, 3, ...")
            position = found.end()
        position = _literal(_COLUMN_END, text, position)
        if column.groups() != (str(number), str(len(readings) - first)):
            raise ContentError("a column's number or count is not that of its entries")
    end = _literal(_TAIL, text, position)
    if text.count(_PADDING, end) != len(text) - end:
        raise ContentError("something follows the document")
    if int(size) != len(text):
        raise ContentError("a document has not the length that it says")
    found_readings = tuple(readings)
    content = Content(
        gateway=_device(gateway),
        profile=profile,
        use_case=_USE_CASES[instance],
        sequence=int(sequence),
        created_at=parse_instant(created_at),
        period_begin=parse_instant(period_begin),
        period_end=parse_instant(period_end),
        readings=found_readings,
        size=int(size),
    )
    if content.readings is not found_readings:
        raise ContentError("the entries of a column are not in the order of time")
    return content


def _capture_objects(text: str, position: int, captured_class: int) -> tuple[list[tuple[DeviceId, Obis]], int]:
    """The columns in their only order (device, OBIS; strictly rising), and where they end."""
    columns: list[tuple[DeviceId, Obis]] = []
    while found := _CAPTURE_OBJECT.match(text, position):
        if len(columns) == MAXIMUM_READINGS:
            raise ContentError("more capture objects than readings are allowed")
        if int(found[4]) != captured_class:
            raise ContentError("a pseudonym has captured values without inner signatures, a gateway with them")
        columns.append((_device(found[3]), Obis.from_bytes(bytes.fromhex(found[2]))))
        if int(found[1]) != len(columns):
            raise ContentError("the capture objects are not numbered 1, 2, 3, ...")
        position = found.end()
    if any(later <= earlier for earlier, later in pairwise(columns)):
        raise ContentError("the capture objects are not in the order of device and OBIS code")
    return columns, position


def _reading(device: DeviceId, obis: Obis, values: list[str]) -> SignedReading | UnsignedReading:
    value, scaler, unit, status, captured_at, *signature = values
    if unit not in _UNITS:
        raise ContentError(f"not a unit: {unit}")
    register = Register(int(value), int(scaler), _UNITS[unit])
    reading = Reading(device, obis, register, parse_instant(captured_at), int(status, 16))
    return SignedReading(reading, binascii.a2b_base64(signature[0])) if signature else UnsignedReading(reading)


def _entry(number: int, signed: SignedReading | UnsignedReading) -> str:
    reading = signed.reading
    register = reading.register
    values = (
        f' id="{number}"><value><long64>{register.value}</long64></value>'
        f"<scaler>{register.scaler}</scaler><unit>{register.unit.value}</unit>"
        f"<status><octet-string>{reading.status:016x}</octet-string></status>"
        f"<capture_time>{format_instant(reading.captured_at)}</capture_time>"
    )
    if isinstance(signed, UnsignedReading):
        return f"<entry{values}</entry>\n"
    signature = base64.b64encode(signed.signature).decode("ascii")
    return f"<entry_gateway_signed{values}<smgw_signature>{signature}</smgw_signature></entry_gateway_signed>\n"


def _logical_name(device: DeviceId, obis: Obis) -> str:
    return f"{obis.to_bytes().hex()}.{device.text.lower()}.sm"


def _device(lower: str) -> DeviceId:
    return DeviceId(lower.upper())


def _match(pattern: re.Pattern[str], text: str, position: int) -> re.Match[str]:
    found = pattern.match(text, position)
    if found is None:
        raise ContentError(f"unexpected content at byte {position}: {text[position : position + 40]!r}")
    return found


def _literal(expected: str, text: str, position: int) -> int:
    if not text.startswith(expected, position):
        raise ContentError(f"unexpected content at byte {position}: {text[position : position + 40]!r}")
    return position + len(expected)
