"""Files of a PPC gateway: readings, a meter's profile and a log as COSEM/XML (observed shape, docs/deviations.md).

Decides the namespaces, their prefixes and the order of elements, which clients look for without a parser. Every value
is escaped. A file without readings says so by its registers without values: it is whole, and signed like any other.
"""

import base64
from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from han_web.api.documents import instant
from han_web.dialects.collected import Channel
from han_web.dialects.names import (
    LOG_INSTANCE,
    METER_INSTANCE,
    VALUES_INSTANCE,
    hexadecimal,
    logical,
)
from smgw.han.consumer_log import ShownEntry
from smgw.han.shown import ShownMeter, ShownReading

PROFILE_GENERIC: Final = "urn:k461-dke-de:profile_generic-1"
EXTENSION: Final = "urn:k461-dke-de:extension-1"
CONTAINER: Final = "urn:k461-dke-de:kaf_lmn_container-1"
DEVICE: Final = "urn:k461-dke-de:abstract_device_setup-1"
SENSOR: Final = "urn:k461-dke-de:e_meter_sensor_setup-1"
CLASS_SIGNED_REGISTER: Final = 32822
CLASS_METER: Final = 32809
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def values(meter: str, channels: Sequence[Channel]) -> bytes:
    """Readings of one meter, a column for each register."""
    captured = "".join(
        f'<ns1:capture_object id="{place}">'
        f"<ns2:logical_name>{escape(logical(hexadecimal(one.register), meter))}</ns2:logical_name>"
        f"<ns2:class_id>{CLASS_SIGNED_REGISTER}</ns2:class_id></ns1:capture_object>"
        for place, one in enumerate(channels, start=1)
    )
    columns = "".join(
        f'<ns1:column id="{place}" count="{len(one.readings)}">'
        + "".join(_reading(number, reading) for number, reading in enumerate(one.readings, start=1))
        + "</ns1:column>"
        for place, one in enumerate(channels, start=1)
    )
    name = logical(VALUES_INSTANCE, meter)
    return _object(
        name,
        f'<ns1:capture_objects count="{len(channels)}">{captured}</ns1:capture_objects>'
        f"<ns1:buffer><ns1:simple_data>{columns}</ns1:simple_data></ns1:buffer>",
    )


def log(gateway: str, entries: Iterable[ShownEntry]) -> bytes:
    """Entries of a consumer's log, newest first; the text stands as a comment beside the values, as there."""
    body = "".join(_entry(one) for one in entries)
    return _object(logical(LOG_INSTANCE, gateway), f"<ns1:buffer><ns1:logbook>{body}</ns1:logbook></ns1:buffer>")


def profile(meter: ShownMeter) -> bytes:
    """How a meter is read (Zählerprofil)."""
    registers = "".join(f"<ems:value>{escape(hexadecimal(one))}</ems:value>" for one in meter.registers)
    identifier = meter.meter.lower()
    text = (
        f'{_HEAD}<klc:kaf_lmn_container xmlns:klc="{CONTAINER}" xmlns:adevs="{DEVICE}" xmlns:ems="{SENSOR}">'
        f'<klc:e_meter_device_object class_id="{CLASS_METER}" class_version="1" '
        f"id={quoteattr(logical(METER_INSTANCE, meter.meter))}>"
        "<adevs:abstract_device_setup>"
        f"<adevs:device_identifier>{escape(identifier)}</adevs:device_identifier>"
        "<adevs:device_type>e_meter</adevs:device_type>"
        f"<adevs:active>{1 if meter.answers else 0}</adevs:active>"
        f"<adevs:samplerate>{meter.interval_seconds}</adevs:samplerate>"
        "</adevs:abstract_device_setup>"
        f"<ems:e_meter_sensor_setup><ems:values>{registers}</ems:values></ems:e_meter_sensor_setup>"
        "</klc:e_meter_device_object></klc:kaf_lmn_container>"
    )
    return text.encode()


def _object(name: str, inner: str) -> bytes:
    text = (
        f'{_HEAD}<ns1:object xmlns:ns1="{PROFILE_GENERIC}" xmlns:ns2="{EXTENSION}" class_id="7" class_version="1" '
        f"id={quoteattr(name)}><ns1:attributes><ns2:logical_name>{escape(name)}</ns2:logical_name>"
        f"{inner}</ns1:attributes></ns1:object>"
    )
    return text.encode()


def _reading(number: int, one: ShownReading) -> str:
    signature = base64.b64encode(one.signature).decode()
    return (
        f'<ns1:entry_gateway_signed id="{number}"><ns2:value><ns2:long64>{one.amount.value}</ns2:long64></ns2:value>'
        f"<ns2:scaler>{one.amount.scaler}</ns2:scaler><ns2:unit>{one.amount.unit}</ns2:unit>"
        f"<ns2:status><ns2:unsigned>{one.ptb}</ns2:unsigned></ns2:status>"
        f"<ns2:capture_time>{instant(one.captured_at)}</ns2:capture_time>"
        f"<ns2:smgw_signature>{signature}</ns2:smgw_signature></ns1:entry_gateway_signed>"
    )


def _entry(shown: ShownEntry) -> str:
    entry = shown.entry
    # A comment may hold neither two hyphens in a row nor one at its end (XML 1.0 §2.5); nobody fills its brackets.
    text = shown.text.replace("-", "\u2010").replace("[", "(").replace("]", ")")
    return (
        f"<ns1:entry><ns2:record_number>{entry.record_number}</ns2:record_number><ns2:event>"
        f"<ns2:type><ns2:event_id>{entry.event_id}</ns2:event_id></ns2:type>"
        f"<ns2:level>{entry.level.name}</ns2:level><ns2:outcome>{entry.outcome.name}</ns2:outcome>"
        f"<ns2:timestamp>{instant(int(entry.first_at.timestamp()))}</ns2:timestamp>"
        f'<ns2:message_extensions count="0"/><!--{escape(text)}-->'
        "</ns2:event></ns1:entry>"
    )
