"""Which orders are believed: the one door between bytes from the administrator's tunnel and a command.

Everything that makes an order an order is decided in :meth:`OrderGate.open`, in numbered steps, and nowhere else. The
tunnel being authenticated is no argument here: each order carries its own signature, addressee, number and validity
(TR-03109-1; PP-0073 FIA_UAU.5, FPT_RPL.1). The gate carries nothing out, and it never looks at a command before the
signature over it holds.

An order is carried out at most once. Its number is taken, durably, before the gate gives it away, so a loss of power in
the middle leaves an order that was taken and not answered: a command of ``REPEATABLE`` is then begun again when its
very document comes again, any other is answered as interrupted and the administrator looks for itself how far it came.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final, NoReturn

from pki import cms
from pki.certificates import Purpose, Role, TrustStore, VerifiedCertificate, fingerprint, load_certificate
from pki.errors import CertificateError, SealError
from smgw.store.orders import OrderProgress, OrderStore
from wire.errors import OrderError
from wire.management import MAX_SIGNED_ORDER_BYTES
from wire.orders import (
    InstallCertificates,
    InstallRevocationLists,
    Order,
    RenewKeys,
    Reply,
    ReplyOutcome,
    RequestValues,
    RunSelfTest,
    SetRetention,
    SynchroniseClock,
)
from wire.profiles.administrator import AdministratorProfile
from wire.reading import DeviceId

CLOCK_TOLERANCE: Final = timedelta(seconds=30)
"""An order may begin to hold this much later than now: two clocks that are both right differ by less. Its end has no
tolerance. Unverified: the same window as that recalled for wake-ups."""

MAXIMUM_LEAP: Final = 1_000_000
"""How far an order's number may lie above the highest that was taken. Without a bound one order, signed with a stolen
key, would use up all numbers for good, for every administrator to come."""

REPEATABLE: Final[frozenset[type]] = frozenset(
    {RenewKeys, InstallCertificates, InstallRevocationLists, SetRetention, SynchroniseClock, RequestValues, RunSelfTest}
)
"""Commands whose second execution leaves the gateway as one execution does: new keys replace keys that nobody certified
yet, certificates that are in use already are told to be (``smgw/renewal.py``) and others are installed on the keys that
still wait for them, the same lists are installed again, the same numbers are set, the clock is read, daily values are
owed once however often they are asked for (and a current value goes to nobody but its party), and the gateway is tested
once more. A change of profiles or of firmware is none of them, and an event is not either."""


class OrderReason(StrEnum):
    """The check that an order failed."""

    TOO_LARGE = "too-large"
    INTERRUPTED = "interrupted"
    """The power failed, or the store, while it was carried out; what became of it has to be looked up."""
    ADMINISTRATOR = "administrator"
    """No administrator is known, or its profile or certificate is not good now."""
    SIGNATURE = "signature"
    MALFORMED = "malformed"
    OTHER_GATEWAY = "other-gateway"
    SEQUENCE = "sequence"
    """Another order had this number, or a higher one."""
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"


class OrderRefusedError(Exception):
    """An order is refused; ``sequence`` is its number where one could be believed, else 0."""

    def __init__(self, reason: OrderReason, sentence: str, sequence: int = 0) -> None:
        """A reason for programs and a sentence for people, both of this file: nothing of another's error is in it."""
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.sequence = sequence


@dataclass(frozen=True, slots=True)
class Admitted:
    """An order that passed every check and whose number is taken; only made by :meth:`OrderGate.open`."""

    order: Order


@dataclass(frozen=True, slots=True)
class Repeated:
    """The very document was answered before: ``reply`` are the bytes of that answer."""

    reply: bytes
    done: bool


class OrderGate:
    """Opens orders; not for use by several threads at once (there is one management tunnel). PP-0073 FMT_MOF.1."""

    def __init__(
        self,
        gateway: DeviceId,
        *,
        administrator: Callable[[], AdministratorProfile | None],
        trust: Callable[[], TrustStore],
        orders: OrderStore,
    ) -> None:
        """``administrator`` and ``trust`` are asked for each order: what they say now counts; None denies."""
        self._gateway = gateway
        self._administrator = administrator
        self._trust = trust
        self._orders = orders

    def open(self, document: bytes, at: datetime) -> Admitted | Repeated:
        """Believe ``document`` as an order of the administrator to this gateway at the moment ``at``, or raise.

        1. It is not larger than an order can be.
        2. It was not answered before. If this very document was, its signature held then and it gets the stored answer
           again, whatever has changed since: validity, certificates, or the tunnel that broke before the answer came.
           One that was begun, broken off and must not be begun again is answered as interrupted, for good.
        3. There is an administrator, and its signature certificate is good now.
        4. The document is SignedData whose signature by that certificate holds.
        5. Its content is an order, to the last byte.
        6. The order is addressed to this gateway.
        7. Its number is higher than every number that was taken, and not higher by more than MAXIMUM_LEAP.
        8. It is valid now.
        9. Its number is taken, on the disk, before anybody sees the order.

        From step 8 on a refusal takes the order's number as well, so that no order that was refused can be believed
        later. (In step 7 itself the number is taken already, or too high to be taken.)

        Raises:
            OrderRefusedError: with the reason of the first step that fails.
            StoreError: nothing is known then, and nothing was carried out.
        """
        # 1. It is not larger than an order can be.
        if len(document) > MAX_SIGNED_ORDER_BYTES:
            raise OrderRefusedError(OrderReason.TOO_LARGE, f"an order has at most {MAX_SIGNED_ORDER_BYTES} octets")
        # 2. It was not answered before.
        digest = sha256(document).digest()
        earlier = self._orders.find(digest)
        if earlier is not None and earlier.reply is not None:
            return Repeated(earlier.reply, done=earlier.progress is OrderProgress.DONE)
        if earlier is not None and earlier.progress is OrderProgress.ONCE:
            self._interrupted(earlier.sequence)
        # 3. and 4. Somebody who may order did.
        content = self._signed_content(document, at)
        # 5. Its content is an order, to the last byte.
        try:
            order = Order.from_bytes(content)
        except OrderError as error:
            raise OrderRefusedError(OrderReason.MALFORMED, "the signed content is not an order") from error
        # 6. The order is addressed to this gateway.
        if order.gateway != self._gateway:
            raise OrderRefusedError(OrderReason.OTHER_GATEWAY, "the order is addressed to another gateway")
        # 7. Its number is higher than every number that was taken. One that was interrupted may be begun again, unless
        #    a later order was taken since: what that one rests on must not change behind it.
        last = self._orders.last()
        if order.sequence <= last and not (earlier is not None and order.sequence == last):
            raise OrderRefusedError(
                OrderReason.SEQUENCE, f"order {last} was taken before, {order.sequence} is not later", order.sequence
            )
        if order.sequence - last > MAXIMUM_LEAP:
            raise OrderRefusedError(
                OrderReason.SEQUENCE, f"{order.sequence} is too far from order {last}, the last one", order.sequence
            )
        # 8. It is valid now.
        if at < order.valid_from - CLOCK_TOLERANCE:
            self._refuse(order, digest, OrderReason.NOT_YET_VALID, "the order does not hold yet", at)
        if at >= order.valid_until:
            self._refuse(order, digest, OrderReason.EXPIRED, "the order has ended", at)
        # 9. Its number is taken before anybody sees the order.
        if earlier is None:
            repeatable = type(order.command) in REPEATABLE
            self._orders.take(order.sequence, digest, repeatable=repeatable, at=at)
        return Admitted(order)

    def answer(self, admitted: Admitted, reply: Reply) -> None:
        """Keep what an admitted order was answered. Raises StoreError."""
        done = reply.outcome is ReplyOutcome.DONE
        progress = OrderProgress.DONE if done else OrderProgress.REFUSED
        self._orders.answer(admitted.order.sequence, progress, reply.to_bytes())

    def _signed_content(self, document: bytes, at: datetime) -> bytes:
        # 3. There is an administrator, and its signature certificate is good now.
        profile = self._administrator()
        if profile is None or not profile.valid_from <= at < profile.valid_until:
            raise OrderRefusedError(OrderReason.ADMINISTRATOR, "no profile of an administrator holds now")
        try:
            signer = administrator_signer(profile, self._trust(), at)
        except CertificateError as error:
            raise OrderRefusedError(
                OrderReason.ADMINISTRATOR, f"the administrator's signature certificate: {error.reason.value}"
            ) from error
        # 4. The document is SignedData whose signature by that certificate holds.
        try:
            return cms.open_document(document, signers=[signer]).content
        except SealError as error:
            raise OrderRefusedError(
                OrderReason.SIGNATURE, f"the document is not signed by the administrator: {error.reason.value}"
            ) from error

    def _interrupted(self, sequence: int) -> NoReturn:
        """Answer, for good, an order of which nobody knows how far it came."""
        sentence = "it was interrupted while it was carried out: look how far it came, and order anew"
        reply = Reply.refusal(sequence, OrderReason.INTERRUPTED.value, sentence)
        self._orders.answer(sequence, OrderProgress.REFUSED, reply.to_bytes())
        raise OrderRefusedError(OrderReason.INTERRUPTED, sentence, sequence)

    def _refuse(self, order: Order, digest: bytes, reason: OrderReason, sentence: str, at: datetime) -> NoReturn:
        """Refuse an order that the administrator did sign for us, and take its number with it."""
        reply = Reply.refusal(order.sequence, reason.value, sentence).to_bytes()
        if order.sequence > self._orders.last():
            self._orders.refuse(order.sequence, digest, reply, at=at)
        else:  # begun once, interrupted, and too late to be begun again
            self._orders.answer(order.sequence, OrderProgress.REFUSED, reply)
        raise OrderRefusedError(reason, sentence, order.sequence)


def administrator_signer(profile: AdministratorProfile, trust: TrustStore, at: datetime) -> VerifiedCertificate:
    """The signature certificate of ``profile``, good at ``at`` for an administrator. Raises CertificateError."""
    return _administrators(profile.signature_certificate, Purpose.SIG, trust, at)


def administrator_peer(profile: AdministratorProfile, trust: TrustStore, at: datetime) -> VerifiedCertificate:
    """The TLS certificate of ``profile``, good at ``at`` for an administrator. Raises CertificateError."""
    return _administrators(profile.tls_certificate, Purpose.TLS, trust, at)


def _administrators(data: bytes, purpose: Purpose, trust: TrustStore, at: datetime) -> VerifiedCertificate:
    certificate = load_certificate(data)
    return trust.verify(certificate, role=Role.GWA, purpose=purpose, at=at, pinned={fingerprint(certificate)})
