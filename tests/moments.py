"""Which moments of a walk the power is cut at: every one, or one of each kind and a fixed sample of the others.

A walk is rehearsed once without a cut, and names the kind of each of its moments. The choice is the same in every run,
so that what fails here fails again; ``--exhaustive`` takes them all.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

SEED = 3109


@dataclass(frozen=True)
class Moments:
    """``exhaustive`` as the command line says."""

    exhaustive: bool

    def of(self, kinds: Sequence[str], *, sample: int) -> list[int]:
        """The moments to cut at: the first of each kind and ``sample`` more of the rest; or all."""
        if self.exhaustive:
            return list(range(len(kinds)))
        first = {kind: number for number, kind in reversed(list(enumerate(kinds)))}
        rest = sorted(set(range(len(kinds))) - set(first.values()))
        return sorted({*first.values(), *random.Random(SEED).sample(rest, min(sample, len(rest)))})
