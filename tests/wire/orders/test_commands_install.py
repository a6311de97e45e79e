"""Revocation lists that come with the certificates of a CA which the gateway does not know yet."""

import pytest

from tests.wire.profiles.examples import certificate
from wire.errors import OrderError
from wire.orders.commands import MAXIMUM_AUTHORITIES, InstallCertificates
from wire.profiles.document import Fields

THREE = (certificate(0), certificate(1), certificate(2))


def test_lists_travel_with_their_authorities() -> None:
    command = InstallCertificates(*THREE, (certificate(3),), (certificate(4),))
    taken = Fields(command.members())
    assert InstallCertificates.taken(taken) == command
    taken.finish()


@pytest.mark.parametrize(
    "lists",
    [
        [certificate(1)],
        (b"\x30\x00",),
        (certificate(1), certificate(1)),
        tuple(certificate(n) for n in range(MAXIMUM_AUTHORITIES + 1)),
    ],
)
def test_what_is_no_tuple_of_lists_is_refused(lists: tuple[bytes, ...]) -> None:
    with pytest.raises(OrderError, match="lists"):
        InstallCertificates(*THREE, (), lists)
