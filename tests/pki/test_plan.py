"""The hierarchy as data: the one in the package is good, and nothing unknown passes."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

import pki
from pki.errors import IssueError, IssueReason
from pki.plan import Plan, hash_for

TEXT = (Path(pki.__file__).parent / "hierarchy.toml").read_text()


def test_the_default() -> None:
    plan = Plan.default()
    assert plan == Plan.from_toml(TEXT)
    assert (plan.root.name, plan.sub_ca.path_length, plan.end_user.curve) == ("SM-Test-Root", 0, "brainpoolP256r1")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('country = "DE"', 'country = "DE"\nextra = 1'),
        ('country = "DE"', ""),
        ("path_length = 1", 'path_length = "1"'),
        ("path_length = 1", "path_length = true"),
        ("crl_days = 7", "crl_days = 7\nlenient = true"),
        ("[end_user]", "[end_users]"),
        ("brainpoolP512r1", "secp256r1"),
        ('country = "DE"', "country = DE"),
        ('country = "DE"', 'country = "DE"\nbackdated_days = 501'),
        ('country = "DE"', 'country = "DE"\nbackdated_days = -1'),
        ('country = "DE"', 'country = "DE"\nbackdated_days = true'),
    ],
)
def test_unknown_missing_or_wrong(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(IssueError) as caught:
        Plan.from_toml(TEXT.replace(old, new, 1))
    assert caught.value.reason is IssueReason.STATE


def test_a_hierarchy_may_say_that_it_began_before_it_was_made() -> None:
    assert Plan.from_toml(TEXT).backdated_days == 0
    assert Plan.from_toml(f"backdated_days = 400\n{TEXT}") == replace(Plan.default(), backdated_days=400)


def test_no_file(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "absent", tmp_path / "latin"):
        with pytest.raises(IssueError):
            Plan.from_file(path)


def test_hashes_go_with_the_size_of_the_key() -> None:
    for curve, algorithm in (
        (ec.BrainpoolP256R1(), hashes.SHA256),
        (ec.BrainpoolP384R1(), hashes.SHA384),
        (ec.BrainpoolP512R1(), hashes.SHA512),
    ):
        assert isinstance(hash_for(ec.generate_private_key(curve)), algorithm)
