"""content.xsd: two schema processors accept what is rendered and refuse what departs from the shape."""

from pathlib import Path

import pytest
import xmlschema
from hypothesis import given
from lxml import etree

import wire
from tests.wire.documents import contents, series
from wire.cosem_xml import Content, render

SCHEMA = Path(wire.__file__).parent / "content.xsd"


@pytest.fixture(scope="module")
def by_lxml() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMA))


@pytest.fixture(scope="module")
def by_xmlschema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(SCHEMA)


def test_the_schema_describes_what_is_rendered(by_lxml: etree.XMLSchema, by_xmlschema: xmlschema.XMLSchema) -> None:
    @given(contents())
    def check(content: Content) -> None:
        by_lxml.assertValid(etree.fromstring(render(content)))
        by_xmlschema.validate(render(content).decode())

    check()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'class_id="7"', b'class_id="8"'),
        (b"01005e318027", b"01005e318099"),
        (b'use_case="TAF-7"', b'use_case="TAF-15"'),
        (b' size="1280"', b' size="128"'),
        (b'sequence="17"', b'sequence="0"'),
        (b'profile="series-1"', b'profile="series 1"'),
        (b"<scaler>-1</scaler>", b""),
        (b"<scaler>-1", b"<scaler>-1000"),
        (b"<unit>30</unit>", b"<unit>30</unit><unit>30</unit>"),
        (b"0000000200000100", b"00000002000001"),
        (b"00:00:00Z</capture_time>", b"00:00:00</capture_time>"),
        (b"AA==</smgw_signature>", b"</smgw_signature>"),
        (b"<cox:class_id>32822", b"<cox:class_id>3"),
        (b"<column ", b'<column extra="1" '),
    ],
)
def test_the_schema_refuses_departures(
    by_lxml: etree.XMLSchema, by_xmlschema: xmlschema.XMLSchema, old: bytes, new: bytes
) -> None:
    good = render(series(1))
    changed = good.replace(old, new, 1)
    assert changed != good
    assert by_lxml.validate(etree.fromstring(good))
    assert not by_lxml.validate(etree.fromstring(changed))
    assert not by_xmlschema.is_valid(changed.decode())
