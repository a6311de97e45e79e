"""What the whole gateway costs at the reference paper's load: processor share and memory, its tunnel included.

Starts the real processes of the demonstration with a plan of one read-out per 30 s and one delivery per minute, lets
them settle, and takes the kernel's account of the gateway and its children over a minute. The paper's figures are of a
first-generation Raspberry Pi (one core of 700 MHz, 512 MB), so they stand beside ours and are no ratio.
"""

import os
import tempfile
import threading
import time
from importlib import resources
from pathlib import Path

from testbed.bench.figures import Figure
from testbed.demo.administer import administer
from testbed.demo.observe import look
from testbed.demo.processes import Children
from testbed.demo.scene import Scene
from testbed.up import start

MEASURED_SECONDS = 62.0
"""Two read-outs and a delivery, wherever the minute begins."""
SETTLE_SECONDS = 65.0
"""After the profiles came: until the first delivery has opened the tunnel, which is then kept for two days."""
PAPER_MEMORY_MB = 512
PAPER = "paper: Smart Reader 13.8, Data Processor 1.8, Gate Watcher 0.2, database 0.8 % (first-generation Raspberry Pi)"
PAPER_MEMORY = "paper: 5.7 + 5.9 + 3.7 + 9.7 % of 512 MB = 128 MB"


def run() -> list[Figure]:
    """Measure for two minutes."""
    plan = Path(str(resources.files("testbed.bench").joinpath("gateway.plan.toml")))
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder) / "state", plan)
        with Children(scene.state / "logs") as children:
            scene.prepare(_silent)
            start(scene, children, _silent)
            administer(scene, _silent, threading.Event())
            time.sleep(SETTLE_SECONDS)
            children.check()
            family = _family(children.process_id("gateway"))
            before, rows = _processor_seconds(family), look(scene).deliveries["netz-series"].rows
            begin = time.monotonic()
            time.sleep(MEASURED_SECONDS)
            share = 100 * (_processor_seconds(family) - before) / (time.monotonic() - begin)
            memory = {pid: _resident_megabytes(pid) for pid in family}
            delivered = look(scene).deliveries["netz-series"].rows - rows
    gateway, *others = memory.values()
    note = f"measured over {MEASURED_SECONDS:.0f} s, {delivered} readings delivered; tunnel and page included"
    more = f"the tunnel's stunnel and the page's nginx have {sum(others):.1f} MB more"
    part = f"{100 * gateway / PAPER_MEMORY_MB:.1f} % of 512 MB; {more}"
    return [
        Figure("processor share, 1 read-out per 30 s, 1 delivery per minute", share, "%", PAPER, note=note),
        Figure("resident memory of the gateway", gateway, "MB", PAPER_MEMORY, note=part),
    ]


def _silent(_text: str) -> None:
    """Nobody watches."""


def _family(pid: int) -> list[int]:
    """The process and its children: the gateway, the stunnel of each kept tunnel, and nginx in front of its page."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(int(child) for file in children for child in file.read_text().split())]


def _processor_seconds(family: list[int]) -> float:
    ticks = 0
    for pid in family:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])  # utime, stime, and those of children that have ended
    return ticks / os.sysconf("SC_CLK_TCK")


def _resident_megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
