"""What the gateway tells about itself: to the people of its own machine, and to the administrator.

Decides what may be told at all: names, versions, counts, times and reasons, and no consumption value. The administrator
learns less than the owner of the machine: nothing of when and how often which meter answered (TR-03109-1; PP-0073
Gateway access SFP).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pki.certificates import TrustStore, fingerprint
from pki.revocation_lists import held_lists
from smgw.config import Configuration
from smgw.firewall.watch import NOT_MANAGED
from smgw.gateway import Gateway
from smgw.identity import Identity
from smgw.retention import Retention
from smgw.runtime import Runtime
from smgw.store.ages import READINGS_DAYS
from smgw.store.orders import OrderStore
from smgw.store.outbox import Outbox
from smgw.timekeeping import Timekeeping
from smgw.wan.concealment import look_of
from wire.canonical_json import JsonObject, JsonValue
from wire.instant import format_instant

KEY_IN_MEMORY = "the private key of the WAN tunnel lies in process memory, outside the security module"
"""What a gateway with that backend says at its start, in its log and in its status."""


@dataclass(frozen=True, slots=True)
class Program:
    """What runs."""

    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """Looks at the parts of one gateway; holds nothing itself."""

    configuration: Configuration
    program: Program
    started_at: datetime
    gateway: Gateway
    runtime: Runtime
    outbox: Outbox
    orders: OrderStore
    retention: Retention
    identity: Callable[[], Identity]
    trust: Callable[[], TrustStore]
    timekeeping: Timekeeping
    firmware: Callable[[], JsonObject] | None = None
    """The slots; None where there are none."""
    firewall: Callable[[], JsonObject] | None = None
    """None where the gateway manages none."""
    page: Callable[[], JsonObject] | None = None
    """What is served in the home area network; None where nothing is."""

    @property
    def deviations(self) -> list[str]:
        """Where this gateway is not as required, in words."""
        found = {
            KEY_IN_MEMORY: self.configuration.wan.tls_key_file is not None,
            NOT_MANAGED: self.configuration.firewall is None,
        }
        return [sentence for sentence, true in found.items() if true]

    def for_owner(self) -> dict[str, Any]:
        """Everything that the status socket tells. Raises StoreError."""
        counted = self.gateway.counters.snapshot()
        # A copy in one step: each sender's own thread adds to its progress.
        progress = {name: one for sender in self.runtime.senders for name, one in dict(sender.progress).items()}
        profiles = {}
        for evaluation in self.gateway.profiles.evaluations.values():
            balance, done = self.outbox.balance(evaluation.id), progress.get(evaluation.id)
            profiles[evaluation.id] = {
                "party": evaluation.party,
                "use_case": evaluation.use_case.value,
                "version": evaluation.version,
                "granted": counted["granted"].get(evaluation.id, 0),
                "owed": balance.owed,
                "open": balance.open,
                "acknowledged": balance.acknowledged,
                "set_aside": balance.set_aside,
                "sealed": done.sealed if done else 0,
                "shortest": done.shortest if done else 0,
                "longest": done.longest if done else 0,
                "duplicates": done.duplicates if done else 0,
                "failures": done.failures if done else 0,
                "last_error": done.last_error if done else "",
            }
        return {
            "gateway": self.configuration.gateway.text,
            "started_at": format_instant(self.started_at),
            "version": self.program.version,
            "program_sha256": self.program.sha256,
            "firmware": self._firmware(),
            "deviations": self.deviations,
            "last_order": self.orders.last(),
            "quality_seal": self.identity().seal,
            "clock": self.timekeeping.report(),
            "secure_states": self.timekeeping.report_states(),
            "firewall": self._firewall(),
            "han": None if self.page is None else self.page(),
            "retention": self.retention.report(),
            "meters": counted["meters"],
            "lines": counted["lines"],
            "parties": sorted(self.gateway.profiles.communications),
            "profiles": profiles,
            "refusals": counted["refusals"],
        }

    def for_administrator(self) -> JsonObject:
        """What ``GET /status`` on the management tunnel tells. Raises StoreError."""
        lines: JsonObject = dict(self.gateway.counters.snapshot()["lines"])
        deviation = self.timekeeping.deviation
        return {
            "gateway": self.configuration.gateway.text,
            "version": self.program.version,
            "program_sha256": self.program.sha256,
            "firmware": self._firmware(),
            "started_at": format_instant(self.started_at),
            "time": format_instant(self.timekeeping.clock().replace(microsecond=0)),
            "clock_deviation_seconds": None if deviation is None else int(deviation.total_seconds()),
            "clock": self.timekeeping.report(),
            "secure_states": self.timekeeping.report_states(),
            "firewall": self._firewall(),
            "han": None if self.page is None else self.page(),
            "deviations": list(self.deviations),
            "lines": lines,
            "profiles": self._profiles(),
            "certificates": self._certificates(),
            "revocation_lists": self._revocation_lists(),
            "deliveries": self._deliveries(),
            "last_order": self.orders.last(),
            "retention": self.retention.report(),
        }

    def _firmware(self) -> JsonValue:
        return None if self.firmware is None else self.firmware()

    def _firewall(self) -> JsonValue:
        return None if self.firewall is None else self.firewall()

    def _profiles(self) -> list[JsonValue]:
        return [
            {
                "kind": profile.KIND,
                "id": profile.id,
                "version": profile.version,
                "valid_until": format_instant(profile.valid_until),
            }
            for profile in self.gateway.profiles.all()
        ]

    def _certificates(self) -> JsonObject:
        identity = self.identity()
        told: JsonObject = {"generation": identity.generation, "quality_seal": identity.seal}
        for purpose, verified in identity.certificates.by_purpose.items():
            told[purpose.value] = {
                "sha256": fingerprint(verified.certificate),
                "valid_until": format_instant(verified.certificate.not_valid_after_utc),
            }
        return told

    def _revocation_lists(self) -> JsonObject:
        """By the key identifier of each authority that is believed; numbers in hexadecimal, they may have 20 octets.

        The administrator sees whether newer ones are due: without current lists this gateway believes nobody.
        """
        return {
            authority: {
                "number": None if held.number is None else f"{held.number:x}",
                "next_update": None if held.next_update is None else format_instant(held.next_update),
            }
            for authority, held in held_lists(self.trust()).items()
        }

    def _deliveries(self) -> JsonObject:
        told: JsonObject = {}
        evaluations = self.gateway.profiles.evaluations
        for name, evaluation in sorted(evaluations.items()):
            balance = self.outbox.balance(name)
            told[name] = {
                # FDP_ACC.2: where it depends on events or credit whether anything is owed, that is not his to know.
                "owed": None if look_of(evaluation, evaluations).always else balance.owed,
                "open": balance.open,
                "acknowledged": balance.acknowledged,
                "set_aside": balance.set_aside,
            }
        return told


def describe_retention(told: Mapping[str, Any]) -> str:
    """What the status says of deletion, in one line."""
    days = told["readings_days"]
    kept = f"{READINGS_DAYS} days" if days is None else f"{days} days by order"
    swept = f"last swept {told['swept_at']}" if told["swept_at"] else "not swept yet"
    waits = f", waits for {told['waits_for']}" if told["waits_for"] else ""
    return f"retention: {kept}, {swept}{waits}"


def describe_slots(firmware: Mapping[str, Any] | None) -> Iterator[str]:
    """What the status says of the slots, a line each."""
    for name, slot in sorted((firmware or {}).items()):
        if isinstance(slot, dict):
            runs = " (runs)" if (firmware or {}).get("running") == name else ""
            yield f"slot {name}: {slot['phase']} {slot['version']}".rstrip() + runs
