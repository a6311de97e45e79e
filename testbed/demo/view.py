"""The live view: what the machines have done so far, as tables in a terminal or as plain lines elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from testbed.demo.observe import DESK_STEPS, STEPS, DeliverySeen, Seen, Shown
from testbed.demo.scene import Scene

NOTHING_STORED = "-"
_THIN: Final[dict[str, Any]] = {"expand": True, "box": None, "title_justify": "left"}
"""No lines around: everything stands on one screen."""


def tables(scene: Scene, seen: Seen, desk: dict[str, int], note: str) -> Group:
    """The whole view for a terminal."""
    parts = (_desk(seen, desk), _meters(seen), _deliveries(seen), _refused(scene, seen))
    return Group(*parts, Text(page(seen)), Text(note, style="dim"))


def lines(seen: Seen) -> list[str]:
    """The same in plain lines, one for the administrator, a meter and a delivery each, for logs and pipes."""
    clock = f"{seen.at:%H:%M:%S}"
    told = [f"{clock} administrator: {standing(seen)}"]
    told += [
        f"{clock} meter {meter.name}: last reading {meter.last_reading_at or 'none yet'}, {meter.stored} stored"
        f"{_reasons(', refused', meter.refused)}"
        for meter in seen.meters.values()
    ]
    told += [
        f"{clock} delivery {one.name} to {one.party}: {one.owed} owed, {one.acknowledged} delivered, "
        f"{one.opened} verified, {one.rows} rows{value(one, ', last ')}{one.last_error and ', ' + one.last_error}"
        for one in seen.deliveries.values()
    ]
    told.append(f"{clock} {page(seen)}")
    told += [f"{clock} refused to {party}: {_reasons('', reasons)}" for party, reasons in seen.refused.items()]
    told += [f"{clock} turned away by {party}: {_reasons('', reasons)}" for party, reasons in seen.turned_away.items()]
    return told


def standing(seen: Seen) -> str:
    """How the gateway stands with its administrator, in words."""
    desk = seen.desk
    seal = {None: "the gateway is silent", True: "quality seal", False: "certificates of its own"}[seen.quality_seal]
    tunnel = "tunnel open" if desk.tunnel_open else "no tunnel"
    profiles = f", {seen.profiles} evaluation profiles" if seen.profiles is not None else ""
    told = f"{desk.state or 'not in the inventory'}, {seal}{profiles}, {desk.wake_ups} wake-ups, {desk.tunnels} tunnels"
    return f"{told}, {desk.confirmed} orders confirmed, {desk.failed} failed, {desk.waiting} waiting, {tunnel}"


def page(seen: Seen) -> str:
    """Where the customer's page is, in words."""
    where = ", ".join(map(str, seen.page.get("addresses", ())))
    return f"page for consumers: {where if seen.page.get('serving') else 'not served'}"


def summary(
    scene: Scene, observed: dict[str, dict[int, int]], desk: dict[str, int], seen: Seen
) -> tuple[list[str], bool]:
    """What the administrator's steps and each delivery's nine came to, and whether nothing is missing."""
    told: list[str] = [f"administrator {scene.plan['administrator']} and {scene.gateway_id}"]
    whole = all(desk[step] > 0 for step in DESK_STEPS)
    told += [_marked(f"{sentence} ({desk[step]})", good=desk[step] > 0) for step, sentence in DESK_STEPS.items()]
    told.append("deliveries, and how often each of these steps was seen:")
    told += [f"  {', '.join(f'{number} {sentence}' for number, sentence in part)}" for part in _batches()]
    for name, counts in observed.items():
        good = all(count > 0 for count in counts.values())
        whole = whole and good
        steps = " ".join(f"{number}:{_count(count)}" for number, count in counts.items())
        later = "" if len(counts) == len(STEPS) else " owed, leaves once a day"
        delivery = f"{name} to {scene.evaluations[name]}, {scene.use_case_of(name)}"
        told.append(_marked(f"{delivery:<40} {steps}{later}", good=good))
    for party in scene.parties:
        if party.id in scene.evaluations.values():
            continue
        reasons = seen.refused.get(party.id, {})
        refused = sum(reasons.values()) > 0 and seen.received[party.id] == 0
        whole = whole and refused
        sentence = f"no evaluation profile, refused {_reasons('', reasons)}, received {seen.received[party.id]}"
        told.append(_marked(f"{party.id}: {sentence}", good=refused))
    return told, whole


def duties(shown: Sequence[Shown], consumers: Mapping[str, Sequence[str]]) -> tuple[list[str], bool]:
    """What the gateway does beside delivering, and whether nothing is missing."""
    told = ["duties", *(_marked(one.line, good=one.good) for one in shown)]
    for consumer, entries in consumers.items():
        told.append(f"the newest of each kind in the log of the consumer {consumer!r}, for her alone")
        told += [f"          {line}" for line in entries]
    return told, all(one.good for one in shown) and all(consumers.values())


def _marked(sentence: str, *, good: bool) -> str:
    return f"  {'ok     ' if good else 'MISSING'} {sentence}"


def _count(count: int) -> str:
    return str(count) if count > 0 else "MISSING"


def _batches() -> list[list[tuple[int, str]]]:
    """The nine steps in lines that a terminal of 120 columns holds."""
    steps = list(STEPS.items())
    return [steps[:4], steps[4:7], steps[7:]]


def value(delivery: DeliverySeen, before: str = "") -> str:
    """The last value that the party has, in its unit."""
    if delivery.latest is None:
        return ""
    reading = delivery.latest
    return f"{before}{reading.register.exact():f} {reading.register.unit.name.capitalize()} of {reading.device}"


def _desk(seen: Seen, desk: dict[str, int]) -> Table:
    table = Table("step", "seen", "how often", title=f"At the administrator: {standing(seen)}", **_THIN)
    for step, sentence in DESK_STEPS.items():
        table.add_row(sentence, "yes" if desk[step] > 0 else NOTHING_STORED, str(desk[step]))
    return table


def _meters(seen: Seen) -> Table:
    state = f"At the gateway: secure state {seen.state or 'unknown'}"
    table = Table("meter", "last reading (UTC)", "read", "verified", "stored", "refused", title=state, **_THIN)
    for meter in seen.meters.values():
        table.add_row(
            meter.name,
            meter.last_reading_at or NOTHING_STORED,
            str(meter.frames),
            str(meter.readings),
            str(meter.stored),
            _reasons("", meter.refused) or NOTHING_STORED,
        )
    return table


def _deliveries(seen: Seen) -> Table:
    names = ("delivery", "to", "use case", "owed", "delivered", "verified", "empty", "rows", "last value there")
    table = Table(*names, title="On the way", **_THIN)
    for one in seen.deliveries.values():
        table.add_row(
            one.name,
            one.party,
            one.use_case,
            str(one.owed),
            str(one.acknowledged),
            str(one.opened),
            str(one.empty),
            str(one.rows),
            one.last_error or value(one) or NOTHING_STORED,
        )
    return table


def _refused(scene: Scene, seen: Seen) -> Table:
    table = Table("party", "granted nothing because", "turned away there", "received", title="Refused", **_THIN)
    for party in scene.parties:
        table.add_row(
            party.id,
            _reasons("", seen.refused.get(party.id, {})) or NOTHING_STORED,
            _reasons("", seen.turned_away.get(party.id, {})) or NOTHING_STORED,
            str(seen.received.get(party.id, 0)),
        )
    return table


def _reasons(before: str, counted: dict[str, int]) -> str:
    told = ", ".join(f"{reason} {count}" for reason, count in sorted(counted.items()))
    return f"{before} {told}".lstrip() if told else ""
