from proof.errors import IntegrityReason as Pure
from smgw.logs.errors import AccessReason, IntegrityReason, LogAccessError


def test_a_refusal_to_read_says_why() -> None:
    assert LogAccessError(AccessReason.ANOTHERS, "hers").reason is AccessReason.ANOTHERS


def test_the_reasons_are_those_of_whoever_verifies_without_a_gateway() -> None:
    assert IntegrityReason is Pure
