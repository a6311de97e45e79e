from pathlib import Path

from smgw.config import Framing
from smgw.lmn.port import Port
from smgw.lmn.scan import Found, scan
from testbed.faults import Fault
from tests.smgw.lmn.lines import PATIENCE_SECONDS, meter, simulated


def found(
    path: str, addresses: list[str], speeds: tuple[int, ...], *, echo: bool = False, seconds: float = 0.3
) -> list[Found]:
    with Port(path, speed=300, framing=Framing.SEVEN_EVEN) as port:
        return list(scan(port, addresses, speeds=speeds, echo=echo, reaction_seconds=seconds))


def test_a_scan_finds_who_is_there_and_at_which_speed(tmp_path: Path) -> None:
    with simulated(tmp_path, meter("00471100"), meter("00471101"), speed=9600, echo=True) as line:
        hits = found(line.path, ["471100"], (19200, 9600), echo=True, seconds=2.0)
        hits += found(line.path, ["471102"], (19200, 9600), echo=True)
        hits += found(line.path, ["471101"], (9600, 19200), echo=True, seconds=PATIENCE_SECONDS)
    assert [(hit.address, hit.speed) for hit in hits] == [("471100", 9600), ("471101", 9600)]
    assert hits[0].identification.manufacturer == "ISk"


def test_collisions_and_noise_are_no_answers(tmp_path: Path) -> None:
    with simulated(tmp_path, meter("00471100"), meter("00471101", reaction_seconds=0.012)) as line:
        assert found(line.path, [""], (19200,)) == []
    with simulated(tmp_path) as alone:
        alone.inject(Fault.SILENCE, None)
        assert found(alone.path, ["00471100"], (19200,)) == []
