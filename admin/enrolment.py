"""From a quality seal to operating: how a gateway gets certificates of its own, step by step (TR-03109-4, enrolment).

::

    request   the gateway makes new keys and signs requests for them with its present SIG key     folder/renewal.der
    certify   the certification authority certifies the three keys                       folder/TLS.pem SIG.pem ENC.pem
    install   the gateway gets the certificates and switches to them
    confirm   the gateway comes in with its new certificate; a gateway under enrolment operates from now on

Decides what must hold before each step goes on, and where an interrupted walk continues: what a step leaves behind (the
files, the inventory) is all that the next one looks at. Nothing is installed that this side does not believe itself,
and nothing is believed about a key that the gateway's present key did not sign. A later renewal is the same walk
without the change of state (``renew.py``). Tunnels are the server's business: this file queues orders, wakes and waits.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from admin.audit import Action
from admin.certificates import judged
from admin.errors import EnrolmentError, EnrolmentReason
from admin.inventory import GatewayRecord, LifeCycle
from admin.office import Office
from admin.orders import OrderRecord, OrderState
from admin.wake import Timing, wake_and_wait
from pki.certificates import Purpose, Role, TrustStore, fingerprint, load_certificate
from pki.checks import authority_key_identifier, signed_by, subject_key_identifier
from pki.errors import CertificateError, IssueError
from pki.files import RENEWAL
from pki.requests import Triple, common_name_of, read_renewal
from pki.store import write_atomically
from wire.orders import Command, InstallCertificates, RenewKeys
from wire.reading import DeviceId

FOLDER: Final = "enrolment"
"""Where the files of a walk are unless it is said otherwise: a folder for each gateway, beside the database."""
LOOK_SECONDS: Final = 0.2
"""How often it is looked whether the server has the answer."""
RESULT: Final = "renewal"
"""Where the reply to RenewKeys has the renewal document, in base64."""


class Step(StrEnum):
    """The steps in their order."""

    REQUEST = "request"
    CERTIFY = "certify"
    INSTALL = "install"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Walk:
    """One gateway on its way: who walks it, where its files are, and what belongs to the outside.

    ``timing`` bounds each wait for the gateway. ``certify`` has the authority certify what is in the
    folder; None where somebody else does it.
    """

    office: Office
    gateway: DeviceId
    folder: Path
    by: str
    timing: Timing
    say: Callable[[str], None]
    certify: Callable[[Path], None] | None = None

    @property
    def record(self) -> GatewayRecord:
        """The gateway as it stands. Raises InventoryError."""
        return self.office.inventory.require_reachable(self.gateway)


def request(walk: Walk) -> None:
    """Have the gateway make new keys; keep its signed requests in the folder.

    1. The gateway carries the order out.
    2. Its answer holds a renewal that its present SIG key signed, in its own name.

    Raises EnrolmentError: NO_ANSWER, UNANSWERED, REFUSED, RENEWAL; InventoryError.
    """
    # 1. The gateway carries the order out.
    done = _carry_out(walk, RenewKeys())
    # 2. Its answer holds a renewal that its present SIG key signed, in its own name.
    try:
        text = done.reply.result[RESULT] if done.reply is not None else None
        document = base64.b64decode(str(text), validate=True)
        _triple(walk, document)
    except (KeyError, binascii.Error, IssueError) as error:
        sentence = f"{walk.gateway} answered with a renewal that proves nothing: {error}"
        raise EnrolmentError(EnrolmentReason.RENEWAL, sentence) from error
    _clear(walk.folder)
    _write(walk.folder, RENEWAL, document)
    if walk.record.state is LifeCycle.DELIVERED:
        # It answered over a tunnel of its own from where it hangs: it is installed.
        walk.office.inventory.change(walk.gateway, LifeCycle.INSTALLED, walk.by, walk.timing.clock())
    walk.say(f"{walk.gateway}: new keys; the signed requests are in {walk.folder / RENEWAL}")


def certify(walk: Walk) -> None:
    """Have the authority certify the requests in the folder. Raises EnrolmentError: NO_AUTHORITY, AUTHORITY."""
    if walk.certify is None:
        raise EnrolmentError(
            EnrolmentReason.NO_AUTHORITY,
            f"no [authority] is configured: have {walk.folder / RENEWAL} certified "
            f"(smgw-pki renew STATE {walk.folder}), so that TLS.pem, SIG.pem and ENC.pem stand beside it; "
            f"then smgw-admin enrol install {walk.gateway}",
        )
    walk.certify(walk.folder)
    marks = {str(purpose): fingerprint(each) for purpose, each in _certificates(walk.folder).items()}
    walk.office.audit.record(Action.CERTIFICATES_ISSUED, walk.gateway.text, walk.by, walk.timing.clock(), **marks)
    walk.say(f"{walk.gateway}: certified; the certificates are in {walk.folder}")


def install(walk: Walk) -> None:
    """Give the gateway its certificates.

    1. The three certificates are in the folder.
    2. They are for the keys of the renewal there, which the gateway's present SIG key signed.
    3. They are good now for this gateway and their purposes, and no quality seal.
    4. The gateway carries the order out; the server keeps the certificates in the inventory before the order is done.

    Raises EnrolmentError: FILES, RENEWAL, CERTIFICATE, NO_ANSWER, UNANSWERED, REFUSED; InventoryError(CERTIFICATES).
    """
    # 1. The three certificates are in the folder.
    certificates = _certificates(walk.folder)
    der = {purpose: _der(certificate) for purpose, certificate in certificates.items()}
    # 2. They are for the keys of the renewal there, which the gateway's present SIG key signed.
    triple = _triple(walk, _read(walk.folder / RENEWAL))
    for purpose, certificate in certificates.items():
        if certificate.public_key() != triple.public_key(purpose):
            sentence = f"{walk.folder / f'{purpose}.pem'} is not for the key in {RENEWAL}; certify that one"
            raise EnrolmentError(EnrolmentReason.CERTIFICATE, sentence)
    # 3. They are good now for this gateway and their purposes, and no quality seal.
    trust = walk.office.trust()
    if judged(der, walk.gateway, trust, walk.timing.clock()):
        sentence = f"the certificates in {walk.folder} are a quality seal; a gateway operates with operational ones"
        raise EnrolmentError(EnrolmentReason.CERTIFICATE, sentence)
    # 4. The gateway carries the order out.
    authorities = authorities_above(certificates[Purpose.TLS], trust)
    command = InstallCertificates(
        der[Purpose.TLS],
        der[Purpose.SIG],
        der[Purpose.ENC],
        authorities=tuple(_der(each) for each in authorities),
        lists=tuple(each.public_bytes(Encoding.DER) for each in lists_of(authorities, trust)),
    )
    _carry_out(walk, command)
    walk.say(f"{walk.gateway}: has its new certificates")


def confirm(walk: Walk) -> None:
    """Have the gateway come in with its new certificate; one under enrolment operates from then on.

    1. The inventory has operational certificates: no seal.
    2. No earlier tunnel is open.
    3. A tunnel comes up: the server lets in nothing but the inventory's certificate.

    Raises EnrolmentError: SEAL, NO_ANSWER, UNANSWERED; InventoryError.
    """
    # 1. The inventory has operational certificates: no seal.
    record = walk.record
    if record.seal or not record.certificates:
        sentence = f"{walk.gateway} has no operational certificates yet: smgw-admin enrol install {walk.gateway}"
        raise EnrolmentError(EnrolmentReason.SEAL, sentence)
    # 2. No earlier tunnel is open: the server ends the one that rests on the old certificate by itself.
    deadline = walk.timing.monotonic() + walk.timing.timeout.total_seconds()
    while walk.office.tunnels.open(walk.gateway, walk.timing.clock()) is not None:
        if walk.timing.monotonic() >= deadline:
            sentence = f"an earlier tunnel of {walk.gateway} stays open; end it: smgw-admin break-up {walk.gateway}"
            raise EnrolmentError(EnrolmentReason.UNANSWERED, sentence)
        walk.timing.sleep(LOOK_SECONDS)
    # 3. A tunnel comes up: the server lets in nothing but the inventory's certificate.
    _tunnel(walk)
    if record.state is not LifeCycle.OPERATING:
        walk.office.inventory.change(walk.gateway, LifeCycle.OPERATING, walk.by, walk.timing.clock())
    _clear(walk.folder)
    walk.say(f"{walk.gateway}: came in with its new certificate")


STEPS: Final[Mapping[Step, Callable[[Walk], None]]] = {
    Step.REQUEST: request,
    Step.CERTIFY: certify,
    Step.INSTALL: install,
    Step.CONFIRM: confirm,
}


def next_step(walk: Walk) -> Step:
    """Where the walk goes on, judged by what earlier steps left behind. Raises InventoryError."""
    try:
        certificates = _certificates(walk.folder)
    except EnrolmentError:
        certificates = {}
    held = walk.record.certificates
    if certificates and held == {purpose: _der(each) for purpose, each in certificates.items()}:
        return Step.CONFIRM
    try:
        triple = _triple(walk, _read(walk.folder / RENEWAL))
    except (EnrolmentError, IssueError):
        return Step.REQUEST
    fits = certificates and all(each.public_key() == triple.public_key(one) for one, each in certificates.items())
    return Step.INSTALL if fits else Step.CERTIFY


def walk_on(walk: Walk) -> None:
    """Every step that is left, in order. Raises EnrolmentError, InventoryError; a later call goes on from there."""
    order = list(Step)
    for step in order[order.index(next_step(walk)) :]:
        STEPS[step](walk)


def enrol(walk: Walk) -> None:
    """From the quality seal to operating. Raises EnrolmentError (STATE where that is done already), InventoryError."""
    if walk.record.state is LifeCycle.OPERATING:
        raise EnrolmentError(
            EnrolmentReason.STATE,
            f"{walk.gateway} operates already; new keys and certificates: smgw-admin renew {walk.gateway}",
        )
    walk_on(walk)


def authorities_above(certificate: x509.Certificate, trust: TrustStore) -> tuple[x509.Certificate, ...]:
    """The sub-CAs between ``certificate`` and its root, lowest first: what the gateway needs beside its root."""
    found: list[x509.Certificate] = []
    for _ in trust.authorities:
        issuers = (each for each in trust.authorities if each.subject == certificate.issuer)
        wanted = authority_key_identifier(certificate)
        issuer = next((each for each in issuers if subject_key_identifier(each) == wanted), None)
        if issuer is None or issuer.subject == issuer.issuer:
            break
        found.append(issuer)
        certificate = issuer
    return tuple(found)


def lists_of(authorities: Iterable[x509.Certificate], trust: TrustStore) -> tuple[x509.CertificateRevocationList, ...]:
    """The newest revocation list of each: a gateway believes nothing of an authority whose list it does not have."""
    found = ([crl for crl in trust.crls if signed_by(crl, issuer)] for issuer in authorities)
    return tuple(max(lists, key=lambda crl: crl.last_update_utc) for lists in found if lists)


def _carry_out(walk: Walk, command: Command) -> OrderRecord:
    """Have the gateway do ``command``; one that is on its way from an interrupted walk is not ordered twice."""
    waiting = [each for each in walk.office.orders.open(walk.gateway) if each.command == command]
    number = (
        waiting[0].number if waiting else walk.office.orders.queue(walk.gateway, command, walk.by, walk.timing.clock())
    )
    deadline = walk.timing.monotonic() + walk.timing.timeout.total_seconds()
    while walk.office.orders.get(number).finished_at is None:
        # A tunnel may end just as the order is queued: then the gateway is woken again.
        _tunnel(walk)
        if walk.timing.monotonic() >= deadline:
            sentence = f"{walk.gateway} has not answered order {number} ({command.KIND}); it stays open"
            raise EnrolmentError(EnrolmentReason.UNANSWERED, sentence)
        walk.timing.sleep(LOOK_SECONDS)
    done = walk.office.orders.get(number)
    if done.state is not OrderState.CONFIRMED:
        sentence = f"{walk.gateway} did not do order {number} ({command.KIND}): {done.reason}"
        raise EnrolmentError(EnrolmentReason.REFUSED, sentence)
    return done


def _tunnel(walk: Walk) -> None:
    """Wake the gateway, unless its tunnel is there. Raises EnrolmentError(NO_ANSWER)."""
    if walk.office.tunnels.open(walk.gateway, walk.timing.clock()) is not None:
        return
    result = wake_and_wait(walk.office, walk.gateway, walk.timing, walk.by)
    if result.tunnel is None:
        reasons = "; ".join(each.sentence for each in result.reasons)
        raise EnrolmentError(EnrolmentReason.NO_ANSWER, f"{walk.gateway} did not come; {reasons}")


def _triple(walk: Walk, document: bytes) -> Triple:
    """The requests in a renewal that the gateway's present SIG key signed. Raises EnrolmentError, IssueError."""
    held = walk.record.certificates.get(Purpose.SIG)
    if held is None:
        sentence = f"the inventory has no certificates of {walk.gateway}: smgw-admin gateways add with its quality seal"
        raise EnrolmentError(EnrolmentReason.SEAL, sentence)
    present = load_certificate(held)
    return read_renewal(document).verify(present, common_name_of(Role.SMGW, walk.gateway.text))


def _certificates(folder: Path) -> dict[Purpose, x509.Certificate]:
    try:
        return {purpose: load_certificate(_read(folder / f"{purpose}.pem")) for purpose in Purpose}
    except CertificateError as error:
        raise EnrolmentError(EnrolmentReason.FILES, f"{folder}: {error}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EnrolmentError(EnrolmentReason.FILES, f"{path} cannot be read: {error.strerror}") from error


def _write(folder: Path, name: str, data: bytes) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(folder / name, data)
    except OSError as error:
        raise EnrolmentError(EnrolmentReason.FILES, f"{folder / name} cannot be written: {error.strerror}") from error


def _clear(folder: Path) -> None:
    """Nothing of a finished or superseded walk is left that could be taken for the next one's."""
    try:
        for name in (RENEWAL, *(f"{purpose}.pem" for purpose in Purpose)):
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise EnrolmentError(EnrolmentReason.FILES, f"{folder} cannot be cleared: {error.strerror}") from error


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
