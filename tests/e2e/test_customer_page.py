"""Two consumers and a technician before the page of a gateway that runs, in a real browser: token, store, nginx, TLS.

One walk through everything that a person does there, each scene reported for itself (``scenes_*``). What is kept for
people to look at lies in the folder of :mod:`tests.screenshots`. TR-03109-1, consumer; TR-03109-1, technician; PP-0073
FIA_UAU.5, FIA_AFL.1, FTA_SSL, FDP_ACF.1, FAU_SAR.1/CON, FAU_SAR.1/SYS.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.browser import opened, told
from tests.e2e import scenes_door, scenes_look, scenes_pages
from tests.e2e.household import Household
from tests.e2e.person import Person
from tests.e2e.scenes import Scene
from tests.han_web.fronted import require_nginx

pytestmark = [pytest.mark.token, pytest.mark.peer, pytest.mark.long]
SCENES: tuple[Callable[[Scene], None], ...] = (
    *scenes_door.SCENES,
    scenes_look.before_the_door_and_behind_the_other,
    *scenes_door.AFTERWARDS,
    *scenes_pages.SCENES,
    *scenes_look.SCENES,
    scenes_pages.the_self_test,
)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    require_nginx()
    (tmp_path / "house").mkdir()
    (tmp_path / "downloads").mkdir()
    household = Household(tmp_path / "house")

    with household.serve() as gateway:

        def compared(options: Any) -> None:
            # Nobody vouches for the gateway but itself: the person compared the fingerprint with her letter's.
            options.add_argument(f"--ignore-certificate-errors-spki-list={key_of(household.certificate)}")
            options.enable_bidi = True

        with opened(tmp_path / "chromium", "de", compared) as browser:
            yield Scene(household, gateway, Person(browser, household.address, tmp_path / "downloads"))


def key_of(certificate: Path) -> str:
    """The hash of a certificate's public key, as a browser names it."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    return base64.b64encode(
        hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()


def test_a_customer_at_her_page(scene: Scene, subtests: pytest.Subtests) -> None:
    for play in SCENES:
        with subtests.test(msg=play.__name__):
            told(scene.person.browser)
            play(scene)
