"""A device with the manufacturer's quality seals becomes operational with a real CA and a real database key."""

import base64
import os
import shutil
from pathlib import Path

import pytest

import pki
from pki.authority import Authority, Holder
from pki.certificates import Purpose, Role
from pki.files import read_requests, write_certificates
from pki.new_token import create_token
from pki.requests import read_triple
from pki.store import Store
from pki.token import Token
from smgw.enrolment import enrol
from smgw.keys.cabinet import KeyCabinet
from smgw.keys.ring import KeyRing
from smgw.renewal import KeyOrders
from smgw.store.database import Database
from smgw.store.logs import SystemLog
from smgw.trust import RevocationLists, TrustFolder
from tests.smgw.keys.world import open_token
from tests.smgw.premises import GATEWAY, Premises, now
from tests.smgw.test_renewal import der
from tests.softhsm import fresh_token, shared_configuration
from wire.orders import InstallCertificates, InstallRevocationLists, RenewKeys

pytestmark = pytest.mark.token
TLS_KEY_FILE = 'tunnel = "private-key-in-process-memory"\ntls_key_file = "tls.key"'


@pytest.mark.parametrize("tunnel", ['tunnel = "stunnel"', TLS_KEY_FILE], ids=["token", "key-file"])
def test_from_quality_seal_to_operating(tmp_path: Path, tunnel: str) -> None:
    begin = now()
    store = Store.create(tmp_path / "ca", (Path(pki.__file__).parent / "hierarchy.toml").read_text())
    label = f"seal-{len(tunnel)}"
    premises = Premises(tmp_path, shared_configuration(), label, tunnel=tunnel)
    configuration = premises.configuration
    holder = Holder(Role.SMGW, GATEWAY)
    create_token(configuration.token, os.urandom)
    with open_token(fresh_token()) as ca_token, premises.open_token() as token:
        authority = Authority(store, ca_token)
        authority.set_up(begin)
        enrol(configuration, token)
        folder = configuration.trust.certificates
        requested = read_triple(read_requests(folder), holder.common_name)
        write_certificates(folder, authority.issue(requested, holder, begin, seal=True).certificates)
        trusted = tmp_path / "trusted"
        shutil.copytree(store.trust, trusted)
        ring, orders, database = start(premises, token, trusted)
        assert ring.current().seal

        renewal = base64.b64decode(str(orders.renew(RenewKeys(), begin).result["renewal"]))
        issued = authority.renew(renewal, begin).certificates
        tls, sig, enc = (der(issued[purpose]) for purpose in (Purpose.TLS, Purpose.SIG, Purpose.ENC))
        orders.install(InstallCertificates(tls, sig, enc), begin)
        database.close()

        again, _, database = start(premises, token, trusted)
        assert (again.current().generation, again.current().seal) == (2, False)
        # What the CA publishes next is taken as it is.
        authority.publish_lists(begin)
        lists = tuple(der(crl) for crl in TrustFolder(store.trust)().crls)
        command = InstallRevocationLists(lists)
        done = RevocationLists(TrustFolder(trusted), SystemLog(database)).install(command, begin)
        installed = done.result["installed"]
        assert isinstance(installed, dict)
        assert len(installed) == len(lists)
        database.close()


def start(premises: Premises, token: Token, trusted: Path) -> tuple[KeyRing, KeyOrders, Database]:
    """What the composition of a gateway does with its keys."""
    configuration, trust = premises.configuration, TrustFolder(trusted)
    cabinet = KeyCabinet(token, configuration.wan.tls_key_file)
    ring = KeyRing.open(configuration.gateway, configuration.trust.certificates, cabinet, trust(), now())
    database = Database.open(configuration.store, token, configuration.gateway)
    return ring, KeyOrders(ring, trust, SystemLog(database)), database
