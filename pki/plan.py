"""The hierarchy as data: reads ``hierarchy.toml`` into frozen values and refuses what it does not know.

Decides nothing about trust: what the profiles forbid, no plan can allow, because the linter and every verifier look at
the certificate and never at the plan.
"""

import tomllib
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki.errors import IssueError, IssueReason

CURVES: Final[dict[str, ec.EllipticCurve]] = {
    curve.name: curve for curve in (ec.BrainpoolP256R1(), ec.BrainpoolP384R1(), ec.BrainpoolP512R1())
}

MAXIMUM_BACKDATED_DAYS: Final = 500
"""Well inside the two years for which a sub-CA signs and an end user's certificate holds."""


@dataclass(frozen=True, slots=True)
class AuthorityPlan:
    """A CA: its name before ``.CA``, its key, how long its certificate, its signing and its revocation lists last."""

    name: str
    curve: str
    path_length: int
    years: int
    signing_years: int
    crl_days: int
    policy: str
    practice_statement: str
    mail: str
    url: str
    crl_url: str


@dataclass(frozen=True, slots=True)
class EndUserPlan:
    """Gateways, manufacturers, administrators and market participants under the sub-CAs."""

    curve: str
    years: int
    policy: str
    practice_statement: str
    domain: str


_Part = TypeVar("_Part", AuthorityPlan, EndUserPlan)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole hierarchy; ``seal_ca`` is the manufacturer's CA for quality seals, None where there is none.

    ``backdated_days`` is by how much every certificate says that it began before it was issued: for a testbed with a
    simulated past, whose readings were signed when their certificates held. Otherwise 0.
    """

    organisation: str
    country: str
    root: AuthorityPlan
    sub_ca: AuthorityPlan
    end_user: EndUserPlan
    seal_ca: AuthorityPlan | None = None
    backdated_days: int = 0

    @classmethod
    def from_toml(cls, text: str) -> "Plan":
        """Read a plan.

        Raises:
            IssueError: STATE where a key is missing, unknown or of the wrong type.
        """
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise IssueError(IssueReason.STATE, f"the hierarchy is not TOML: {error}") from error
        # [seal_ca] may be missing: such a hierarchy issues no quality seals.
        named = ("root", "sub_ca", *(("seal_ca",) if "seal_ca" in table else ()))
        authorities = {name: _read(AuthorityPlan, table.get(name), name) for name in named}
        end_user = _read(EndUserPlan, table.get("end_user"), "end_user")
        backdated = table.pop("backdated_days", 0)
        if type(backdated) is not int or not 0 <= backdated <= MAXIMUM_BACKDATED_DAYS:
            sentence = f"backdated_days of the hierarchy is not a number from 0 to {MAXIMUM_BACKDATED_DAYS}"
            raise IssueError(IssueReason.STATE, sentence)
        plain = {key: value for key, value in table.items() if key not in (*named, "end_user")}
        if set(plain) != {"organisation", "country"} or not all(isinstance(value, str) for value in plain.values()):
            sentence = "the hierarchy has organisation, country, [root], [sub_ca], [end_user] and perhaps [seal_ca]"
            raise IssueError(IssueReason.STATE, sentence)
        for curve in (*(authority.curve for authority in authorities.values()), end_user.curve):
            if curve not in CURVES:
                raise IssueError(IssueReason.STATE, f"no curve of the SM-PKI is called {curve!r}")
        if len({authority.name for authority in authorities.values()}) != len(authorities):
            raise IssueError(IssueReason.STATE, "two authorities of the hierarchy have one name")
        return cls(
            plain["organisation"],
            plain["country"],
            authorities["root"],
            authorities["sub_ca"],
            end_user,
            seal_ca=authorities.get("seal_ca"),
            backdated_days=backdated,
        )

    @classmethod
    def default(cls) -> "Plan":
        """The hierarchy that comes with the package."""
        return cls.from_toml(resources.files("pki").joinpath("hierarchy.toml").read_text("utf-8"))

    @classmethod
    def from_file(cls, path: Path) -> "Plan":
        """Read the plan in a file."""
        try:
            return cls.from_toml(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise IssueError(IssueReason.STATE, f"the hierarchy cannot be read: {error}") from error


def hash_for(
    key: ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey,
) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512:
    """The hash that goes with the size of a signing key (TR-03116-3: P256/SHA256, P384/SHA384, P512/SHA512)."""
    if key.curve.key_size <= 256:
        return hashes.SHA256()
    return hashes.SHA384() if key.curve.key_size <= 384 else hashes.SHA512()


def _read(part: type[_Part], table: Any, name: str) -> _Part:
    types = {field.name: field.type for field in fields(part)}
    if not isinstance(table, dict) or set(table) != set(types):
        raise IssueError(IssueReason.STATE, f"[{name}] of the hierarchy has exactly: {', '.join(types)}")
    for key, value in table.items():
        if type(value) is not types[key]:
            raise IssueError(IssueReason.STATE, f"[{name}] {key} of the hierarchy is not of the type {types[key]}")
    return part(**table)
