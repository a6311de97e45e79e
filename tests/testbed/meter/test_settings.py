import pytest

from testbed.meter.settings import LineSettings, LoadKind, MeterSettings, Mode, SettingsError, parse_line

EXAMPLE = """
speed = 9600
echo = true
start = 2026-01-01T00:00:00Z
speed_factor = 60
[[meters]]
serial = "00471100"
mode = "A"
load = "flat"
reaction_seconds = 0.02
[[meters]]
serial = "00471101"
top_speed = 19200
announces = 9600
[[meters]]
serial = "00471102"
top_speed = "none"
"""


def test_a_line_in_toml() -> None:
    line = parse_line(EXAMPLE)
    assert line.meters[0] == MeterSettings(serial="00471100", mode=Mode.A, load=LoadKind.FLAT, reaction_seconds=0.02)
    assert (line.meters[1].top_speed, line.meters[1].announces, line.meters[2].top_speed) == (19200, 9600, None)
    assert (line.speed, line.echo, line.speed_factor) == (9600, True, 60.0)


def test_the_smallest_line_is_the_default() -> None:
    assert parse_line("[[meters]]") == LineSettings()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "at least one"),
        ("meters = 3", "at least one"),
        ("[[meters]", "not TOML"),
        ("sped = 3\n[[meters]]", "unknown key sped"),
        ("[[meters]]\nadress = ''", "unknown key meters"),
        ("speed = '9600'\n[[meters]]", "wrong type"),
        ("echo = 1\n[[meters]]", "wrong type"),
        ("[[meters]]\nmode = 'Z'", "none of A, B, C, D"),
        ("[[meters]]\ntop_speed = 'fast'", "wrong type"),
        ("start = 2026-01-01T00:00:00\n[[meters]]", "offset"),
        ("[[meters]]\nserial='12'\n[[meters]]\naddress='0012'", "same address"),
    ],
)
def test_what_is_refused(text: str, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        parse_line(text)
