import threading

from smgw.counters import Counters
from tests.smgw.store.samples import METER, START


def test_counts_from_many_threads_add_up() -> None:
    counters = Counters()

    def work() -> None:
        for _ in range(500):
            counters.add(METER.text, frames=1, telegrams=2)
            counters.refused(METER.text, "silent")
            counters.stored(METER.text, START)
            counters.access_refused("third", "no-profile")
            counters.granted("grid-1")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counters.snapshot() == {
        "meters": {
            METER.text: {
                "frames": 2000, "telegrams": 4000, "readings": 0, "stored": 2000, "duplicates": 0, "unstored": 0,
                "refused": {"silent": 2000}, "last_reading_at": "2026-01-01T00:00:00Z",
            }
        },
        "lines": {},
        "refusals": {"third": {"no-profile": 2000}},
        "granted": {"grid-1": 2000},
    }  # fmt: skip
