"""Fleet files: whatever is in them, every bad line is told, and nothing of a file with one is used."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from admin.errors import DraftError, FleetError, InventoryError, InventoryReason, LineFault
from admin.fleet import MAXIMUM_BYTES, FleetLine, enter, filled, parse_fleet, read_fleet, records
from admin.inventory import GatewayRecord
from admin.life_cycle import LifeCycle
from admin.office import Office
from tests.admin.bureau import BY, GATEWAY, NOW, OTHER, Bureau, pem
from wire.reading import DeviceId

METER = "1ISK0012345678"
GOOD = (
    b"gateway,host,port,note,meter\nEABC0012345678,192.0.2.7,4060,cellar,1ISK0012345678\nEABC0012345679,a.example,,,\n"
)
FIRST = {"gateway": GATEWAY.text, "host": "192.0.2.7", "port": "4060", "note": "cellar", "meter": METER}
LINES = (FleetLine(2, GATEWAY, FIRST), FleetLine(3, OTHER, {"gateway": OTHER.text, "host": "a.example"}))
MANY = 250


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        GOOD.replace(b",", b";"),
        b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"EABC", b" eabc").replace(b"gateway,", b"Gateway ,"),
    ],
    ids=["commas", "semicolons", "as a spreadsheet writes it", "small letters and spaces"],
)
def test_a_list_is_read_however_it_was_written(data: bytes) -> None:
    assert parse_fleet(data, toml=False) == LINES


def test_a_list_in_toml() -> None:
    text = b'[[gateway]]\nid = "EABC0012345678"\nhost = "192.0.2.7"\nport = 4060\n[[gateway]]\nid = "EABC0012345679"\n'
    first, second = parse_fleet(text, toml=True)
    assert first.columns == {"gateway": GATEWAY.text, "host": "192.0.2.7", "port": "4060"}
    assert (second.number, second.gateway) == (2, OTHER)


def test_every_bad_line_is_told() -> None:
    data = GOOD + b"EABC0012345678,x,1,,\nEABC,x,1,,\n\nEABC0000000001,x,1,a\x07b,\nEABC0000000002,x,1,,,more\n"
    with pytest.raises(FleetError) as caught:
        parse_fleet(data, toml=False)
    assert [fault.line for fault in caught.value.faults] == [4, 5, 7, 8]
    told = [fault.sentence for fault in caught.value.faults]
    for words, sentence in zip(("line 2 already", "is no gateway", "not printable", "more cells"), told, strict=True):
        assert words in sentence
    assert str(caught.value).count("\n") == 4


@pytest.mark.parametrize(
    ("data", "toml"),
    [
        (b"", False),
        (b"host,port\n", False),
        (b"gateway,host,host\n", False),
        (b"gateway,Ho st\n", False),
        (b"gateway,host\n", False),
        (b'gateway,host\n"EABC', False),
        (b"\xff", False),
        (b"x" * (MAXIMUM_BYTES + 1), False),
        (b"", True),
        (b"gateway = 1", True),
        (b"[[gateway]]\nid = 'EABC0012345678'\n[more]\n", True),
        (b"[[gateway]]\nid = 'EABC0012345678'\nhost = true\n", True),
        (b"[[gateway]]\nid = 'EABC0012345678'\n'Ho st' = 'x'\n", True),
        (b"a = [", True),
    ],
)
def test_a_file_that_is_no_list(data: bytes, toml: bool) -> None:
    with pytest.raises(FleetError):
        parse_fleet(data, toml=toml)


@given(st.one_of(st.binary(max_size=200), st.text(alphabet='gatewyhos,;"\n{}=[]1EABC0 ', max_size=200).map(str.encode)))
def test_only_its_own_error_gets_out(data: bytes) -> None:
    for toml in (False, True):
        try:
            for line in parse_fleet(data, toml=toml):
                assert line.columns["gateway"] == line.gateway.text
        except FleetError:
            pass


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="cannot be read"):
        read_fleet(tmp_path / "fleet.csv")


def test_placeholders_are_filled_in_texts_only() -> None:
    table = {"id": "meter-{number}", "meters": ["{meter}"], "period": 900, "deep": {"x": "{meter}{number}"}, "k": "{}"}
    columns = {"number": "7", "meter": 'a"\nid = "b', "{number}": "x"}
    assert filled("meter", table, columns) == {
        "id": "meter-7", "meters": ['a"\nid = "b'], "period": 900, "deep": {"x": 'a"\nid = "b7'}, "k": "{}",
    }  # fmt: skip
    with pytest.raises(DraftError, match=r"meter has the placeholder \{host\}"):
        filled("meter", {"id": "{host}"}, columns)


def write_certificates(bureau: Bureau, gateway: DeviceId) -> str:
    folder = bureau.folder / gateway.text
    folder.mkdir()
    for purpose, der in bureau.triple(gateway).items():
        (folder / f"{purpose}.pem").write_bytes(pem(x509.load_der_x509_certificate(der)))
    return folder.name


def wanted(office: Office, bureau: Bureau, *lines: FleetLine, state: LifeCycle) -> list[GatewayRecord]:
    return records(lines, office.inventory, office.trust(), base=bureau.folder, state=state, at=NOW)


@pytest.mark.token
def test_what_is_entered_and_entered_again(bureau: Bureau) -> None:
    columns = {**LINES[0].columns, "certificates": write_certificates(bureau, GATEWAY)}
    lines = (replace(LINES[0], columns=columns), LINES[1])
    with bureau.open() as office:
        found = wanted(office, bureau, *lines, state=LifeCycle.DELIVERED)
        assert [(one.wake_host, one.wake_port, one.note, bool(one.certificates)) for one in found] == [
            ("192.0.2.7", 4060, "cellar", True),
            ("a.example", 4059, "", False),
        ]
        assert list(enter(office.inventory, found, BY, NOW)) == [2]
        assert office.inventory.all() == found
        # Whoever starts it again finds nothing left, wherever a life stands meanwhile.
        office.inventory.change(GATEWAY, LifeCycle.INSTALLED, BY, NOW)
        assert wanted(office, bureau, *lines, state=LifeCycle.DELIVERED) == []


@pytest.mark.token
def test_nothing_is_entered_of_a_list_with_a_bad_line(office: Office, bureau: Bureau) -> None:
    def line(number: int, **columns: str) -> FleetLine:
        gateway = GATEWAY if number == 2 else DeviceId(f"EABC{number:010}")
        return FleetLine(number, gateway, {"gateway": gateway.text, "host": "h", **columns})

    foreign = write_certificates(bureau, OTHER)
    lines = (
        line(2),
        line(3, port="x"),
        line(4, port="70000"),
        line(5, host="a b"),
        line(6, certificates="nowhere"),
        line(7, certificates=foreign),
        line(8),
        FleetLine(9, OTHER, {"gateway": OTHER.text}),
    )
    with pytest.raises(FleetError) as caught:
        wanted(office, bureau, *lines, state=LifeCycle.DELIVERED)
    assert [fault.line for fault in caught.value.faults] == [2, 3, 4, 5, 6, 7, 9]
    assert "in the inventory with other values" in caught.value.faults[0].sentence
    with pytest.raises(FleetError) as caught:
        wanted(office, bureau, line(8), state=LifeCycle.OPERATING)
    assert caught.value.faults == (
        LineFault(8, "EABC0000000008 has no certificates; it operates after: smgw-admin enrol EABC0000000008"),
    )
    assert [record.gateway for record in office.inventory.all()] == [GATEWAY]


@pytest.mark.token
def test_many_are_entered_some_at_a_time(bureau: Bureau) -> None:
    data = "gateway,host\n" + "".join(f"EABC{number:010},10.0.0.1\n" for number in range(MANY))
    with bureau.open() as office:
        found = wanted(office, bureau, *parse_fleet(data.encode(), toml=False), state=LifeCycle.DELIVERED)
        steps = list(enter(office.inventory, found[:220], BY, NOW))
        assert steps == [100, 200, 220]
        # Cut short there, it goes on with the rest.
        rest = wanted(office, bureau, *parse_fleet(data.encode(), toml=False), state=LifeCycle.DELIVERED)
        assert len(rest) == MANY - 220
        assert list(enter(office.inventory, rest, BY, NOW)) == [30]
        assert [one.gateway.text for one in office.inventory.all()] == [f"EABC{n:010}" for n in range(MANY)]
        with pytest.raises(InventoryError) as caught:
            list(enter(office.inventory, rest, BY, NOW))
        assert caught.value.reason is InventoryReason.EXISTS
