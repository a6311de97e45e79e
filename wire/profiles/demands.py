"""What each use case demands, permits and forbids of an evaluation profile: one table (TR-03109-1, TAF 1 to 14).

Decides by default against: a field that no row names is forbidden, one meter and one register are all that a row gives
unless it says otherwise (FMT_MSA.3/MTR, restrictive defaults). The rows follow the field list of VDE AR 2418-6, which
is public; where that is silent they are narrower than the guideline may be (docs/deviations.md).
"""

from dataclasses import dataclass, field
from typing import Final

from wire.profiles.fields import DAY_SECONDS
from wire.profiles.use_case import AccessPurpose, UseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """One row. What is false or empty by default is forbidden.

    ``billing`` and ``rule``: the field must be there. ``rule_optional``: it may. ``sums``: what is delivered is
    computed over all meters, some of which may be ``subtracted``; an original value belongs to one and is never netted.
    ``several_meters``, ``several_registers``: more than one may be named. ``accumulates``: only current meter readings
    (OBIS D = 8, F = 255). ``staged``: the one register is a total, which stages divide. ``period_seconds``: the one
    raster that there is. ``unstored``: values are never kept, so that the finer raster of reading serves.
    """

    billing: bool = False
    rule: bool = False
    rule_optional: bool = False
    sums: bool = False
    several_meters: bool = False
    several_registers: bool = False
    accumulates: bool = False
    staged: bool = False
    unstored: bool = False
    period_seconds: int | None = None
    purposes: frozenset[AccessPurpose] = field(default_factory=lambda: frozenset(AccessPurpose))


DEMANDS: Final[dict[UseCase, Demands]] = {
    UseCase.TAF_1: Demands(billing=True, sums=True, several_meters=True, several_registers=True, accumulates=True),
    UseCase.TAF_2: Demands(billing=True, rule=True, sums=True, several_meters=True, accumulates=True, staged=True),
    UseCase.TAF_3: Demands(billing=True, rule=True, accumulates=True, staged=True),
    UseCase.TAF_4: Demands(billing=True, rule=True, accumulates=True, staged=True),
    UseCase.TAF_5: Demands(billing=True, rule=True, accumulates=True, staged=True),
    UseCase.TAF_6: Demands(several_meters=True, several_registers=True, accumulates=True, period_seconds=DAY_SECONDS),
    UseCase.TAF_7: Demands(several_meters=True, several_registers=True),
    UseCase.TAF_8: Demands(billing=True, rule=True, accumulates=True),
    UseCase.TAF_9: Demands(several_meters=True, several_registers=True, unstored=True),
    UseCase.TAF_10: Demands(
        rule_optional=True,
        several_meters=True,
        several_registers=True,
        unstored=True,
        purposes=frozenset({AccessPurpose.GRID_OPERATION}),
    ),
    UseCase.TAF_11: Demands(rule=True, several_meters=True, several_registers=True),
    UseCase.TAF_12: Demands(billing=True, rule=True, accumulates=True),
    UseCase.TAF_13: Demands(rule=True, several_meters=True, several_registers=True),
    UseCase.TAF_14: Demands(
        several_meters=True,
        several_registers=True,
        unstored=True,
        purposes=frozenset({AccessPurpose.VALUE_ADDED}),
    ),
}
"""TAF-10 is grid status and TAF-14 an added-value service by definition; the other use cases serve several purposes."""
