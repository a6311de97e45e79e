"""The live view: what the machines have done so far, as tables in a terminal or as plain lines elsewhere."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from testbed.demo.observe import DESK_STEPS, STEPS, DeliverySeen, Seen
from testbed.demo.scene import Scene

NOTHING_STORED = "-"


def tables(scene: Scene, seen: Seen, desk: dict[str, int], note: str) -> Group:
    """The whole view for a terminal."""
    return Group(_desk(seen, desk), _meters(seen), _deliveries(seen), _refused(scene, seen), Text(note, style="dim"))


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


def summary(
    scene: Scene, observed: dict[str, dict[int, int]], desk: dict[str, int], seen: Seen
) -> tuple[list[str], bool]:
    """What the administrator's steps and each delivery's nine came to, and whether nothing is missing."""
    told: list[str] = [f"administrator {scene.plan['administrator']} and {scene.gateway_id}"]
    whole = all(desk[step] > 0 for step in DESK_STEPS)
    for step, sentence in DESK_STEPS.items():
        told.append(f"  {'ok     ' if desk[step] > 0 else 'MISSING'} {sentence} ({desk[step]})")
    for name, counts in observed.items():
        told.append(f"{name} to {scene.evaluations[name]}")
        for number, sentence in STEPS.items():
            mark = "ok     " if counts[number] > 0 else "MISSING"
            whole = whole and counts[number] > 0
            told.append(f"  {mark} {number} {sentence} ({counts[number]})")
    for party in scene.parties:
        if party.id in scene.evaluations.values():
            continue
        reasons = seen.refused.get(party.id, {})
        refused = sum(reasons.values()) > 0 and seen.received[party.id] == 0
        whole = whole and refused
        told.append(
            f"{party.id}: no evaluation profile, {'ok     ' if refused else 'MISSING'} "
            f"refused {_reasons('', reasons)}, received {seen.received[party.id]}"
        )
    return told, whole


def value(delivery: DeliverySeen, before: str = "") -> str:
    """The last value that the party has, in its unit."""
    if delivery.latest is None:
        return ""
    reading = delivery.latest
    return f"{before}{reading.register.exact():f} {reading.register.unit.name.capitalize()} of {reading.device}"


def _desk(seen: Seen, desk: dict[str, int]) -> Table:
    table = Table("step", "seen", "how often", title=f"At the administrator: {standing(seen)}", expand=True)
    for step, sentence in DESK_STEPS.items():
        table.add_row(sentence, "yes" if desk[step] > 0 else NOTHING_STORED, str(desk[step]))
    return table


def _meters(seen: Seen) -> Table:
    table = Table(
        "meter", "last reading (UTC)", "read", "verified", "stored", "refused", title="At the gateway", expand=True
    )
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
    table = Table(
        "delivery", "to", "owed", "delivered", "verified", "rows", "last value there", title="On the way", expand=True
    )
    for one in seen.deliveries.values():
        table.add_row(
            one.name,
            one.party,
            str(one.owed),
            str(one.acknowledged),
            str(one.opened),
            str(one.rows),
            one.last_error or value(one) or NOTHING_STORED,
        )
    return table


def _refused(scene: Scene, seen: Seen) -> Table:
    table = Table("party", "granted nothing because", "turned away there", "received", title="Refused", expand=True)
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
