import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pki.certificates import Purpose
from pki.new_token import create_token
from pki.requests import read_triple
from smgw.enrolment import enrol
from smgw.keys.state import KeyState, Phase, write_state
from smgw.store.database import Database
from tests.smgw.premises import GATEWAY, Premises
from tests.softhsm import shared_configuration

pytestmark = pytest.mark.token


def test_keys_requests_and_store_are_made_once(tmp_path: Path) -> None:
    premises = Premises(tmp_path, shared_configuration(), "enrolment-1")
    create_token(premises.configuration.token, os.urandom)
    with premises.open_token() as token:
        enrol(premises.configuration, token)
        assert set(token.labels()) == {*Purpose, "STORAGE"}
        requests = {purpose: (tmp_path / "certificates" / f"{purpose}.csr").read_bytes() for purpose in Purpose}
        triple = read_triple(requests, f"{GATEWAY}.SMGW")
        for purpose in Purpose:
            held = token.key(purpose).public_key().public_numbers()
            assert triple.public_key(purpose).public_numbers() == held
        opened = Database.open(premises.configuration.store, token, premises.configuration.gateway, sole=True)
        # FCS_CKM.4: the module makes the store's next key and destroys the first.
        assert opened.change_key() == [1]
        opened.close()
        assert set(token.labels()) == {*Purpose, "STORAGE.2"}
        enrol(premises.configuration, token)
        assert set(token.labels()) == {*Purpose, "STORAGE.2"}
        Database.open(premises.configuration.store, token, premises.configuration.gateway).close()
        again = x509.load_pem_x509_csr((tmp_path / "certificates" / "SIG.csr").read_bytes())
        assert again.public_key() == triple.public_key(Purpose.SIG)


def test_a_gateway_that_has_renewed_its_keys_gets_no_first_ones_again(tmp_path: Path) -> None:
    premises = Premises(tmp_path, shared_configuration(), "enrolment-3")
    premises.enrol()
    folder = tmp_path / "certificates"
    requests = {path.name: path.read_bytes() for path in folder.glob("*.csr")}
    with premises.open_token() as token:
        for purpose in Purpose:
            token.generate_key(f"{purpose}.2", ec.BrainpoolP256R1())
            token.destroy_key(purpose)
        write_state(folder, KeyState(2, Phase.SETTLED, None, 2))
        enrol(premises.configuration, token)
        assert set(token.labels()) == {*(f"{purpose}.2" for purpose in Purpose), "STORAGE"}
    assert {path.name: path.read_bytes() for path in folder.glob("*.csr")} == requests
