"""Files as clients of a PPC gateway look through them: without a parser, by prefix and namespace."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from han_web.dialects import ppc_xml
from han_web.dialects.collected import Channel
from proof.entry import Entry
from proof.events import Event, Level, Log, Outcome
from smgw.han.consumer_log import ShownEntry
from smgw.han.shown import Amount, ShownMeter, ShownReading, Verdict

METER = "1ISK0000471100"
IMPORT = "1-0:1.8.0*255"
NAMES = {"p": ppc_xml.PROFILE_GENERIC, "e": ppc_xml.EXTENSION}
READING = ShownReading(METER, IMPORT, 0, Amount(107_173_550, -1, 30), 0x5_0000_0004, 0, b"\x01\x02", Verdict.GENUINE)

ENTRY = Entry(
    Log.CONSUMER, "house", 7, Event.SELF_TEST, 1, 0, "BSI", Level.INFO, Outcome.SUCCESS, "", "",
    datetime(2026, 1, 1, tzinfo=UTC), 0, {},
)  # fmt: skip


def test_readings_stand_in_columns() -> None:
    data = ppc_xml.values(METER, [Channel(METER, IMPORT, (READING,)), Channel(METER, "1-0:2.8.0*255", ())])
    # One client cuts the document out of the signed message by these two.
    assert data.startswith(b"<?xml")
    assert data.endswith(b"</ns1:object>")
    root = ET.fromstring(data)  # noqa: S314 - our own
    assert root.tag == f"{{{ppc_xml.PROFILE_GENERIC}}}object"
    names = [one.text for one in root.findall("p:attributes/p:capture_objects/p:capture_object/e:logical_name", NAMES)]
    assert names == ["0100010800ff.1isk0000471100.sm", "0100020800ff.1isk0000471100.sm"]
    first, second = root.findall("p:attributes/p:buffer/p:simple_data/p:column", NAMES)
    (entry,) = first.findall("p:entry_gateway_signed", NAMES)
    assert entry.findtext("e:value/e:long64", None, NAMES) == "107173550"
    assert entry.findtext("e:capture_time", None, NAMES) == "1970-01-01T00:00:00Z"
    assert entry.findtext("e:status/e:unsigned", None, NAMES) == "0"
    assert second.findall("p:entry_gateway_signed", NAMES) == []


def test_a_meters_profile_says_how_often_it_is_read() -> None:
    root = ET.fromstring(  # noqa: S314 - our own
        ppc_xml.profile(ShownMeter(METER, (IMPORT,), 60, 900, 0, 1, None, answers=True))
    )
    device = root.find(f".//{{{ppc_xml.CONTAINER}}}e_meter_device_object")
    assert device is not None
    assert device.findtext(f".//{{{ppc_xml.DEVICE}}}samplerate") == "60"
    assert device.findtext(f".//{{{ppc_xml.DEVICE}}}active") == "1"
    assert [one.text for one in device.iter(f"{{{ppc_xml.SENSOR}}}value")] == ["0100010800ff"]


def test_no_text_of_a_log_ends_its_comment() -> None:
    data = ppc_xml.log("EABC0012345678", [ShownEntry(ENTRY, "an end --> [of it] & <all>-")])
    event = ET.fromstring(data).find("p:attributes/p:buffer/p:logbook/p:entry", NAMES)  # noqa: S314 - our own
    assert event is not None
    assert event.findtext("e:record_number", None, NAMES) == "7"
    assert event.findtext("e:event/e:timestamp", None, NAMES) == "2026-01-01T00:00:00Z"
    assert b"[" not in data
