"""The server's half of one HTTP/1.1 connection over any byte stream, sans-IO (on h11; RFC 9112).

Decides when a request is complete and refuses what is ambiguous or unbounded: two lengths of one body, header or body
beyond its bound, a method or target that nobody here serves, a request before the last one was answered. It never
opens, reads or closes anything; the tunnel around it is the caller's, and what a request may do is decided behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import h11

from wire.errors import HttpError
from wire.http import BODILESS, MAXIMUM_BODY_BYTES, MAXIMUM_HEAD_BYTES, METHODS, TARGET

_FRAMING = (b"content-length", b"transfer-encoding", b"connection", b"upgrade")


@dataclass(frozen=True, slots=True)
class Request:
    """A complete request: absolute path with query, header fields with lower-case names in order, body unframed."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query, exactly as it was sent: nothing is decoded or shortened."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the first question mark; empty where nothing does."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The first header field of this name (any case), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)


class HttpServer:
    """One connection: a request, its response, and the next request while both ends keep it alive.

    :meth:`receive` takes what arrived and gives a request once it is complete, None while more is needed;
    :meth:`respond` gives the bytes of its response. After an :class:`HttpError` one last response may still be written
    where none has begun; then the connection is to be closed.
    """

    def __init__(
        self,
        *,
        maximum_body_bytes: int = MAXIMUM_BODY_BYTES,
        maximum_head_bytes: int = MAXIMUM_HEAD_BYTES,
        larger_bodies: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        """A fresh connection; ``larger_bodies`` bounds single methods and paths otherwise than the rest."""
        self._maximum_body_bytes = maximum_body_bytes
        self._maximum_head_bytes = maximum_head_bytes
        self._larger_bodies = dict(larger_bodies or {})
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=maximum_head_bytes)
        self._head: h11.Request | None = None
        self._body = bytearray()
        self._bound = maximum_body_bytes
        self._unanswered = False
        self._head_only = False
        self._failed = False
        self._closed = False

    @property
    def reusable(self) -> bool:
        """Whether a request may come or is coming: none unanswered, kept by both ends, nothing failed."""
        states = (self._connection.our_state, self._connection.their_state)
        coming = states in ((h11.IDLE, h11.IDLE), (h11.SEND_RESPONSE, h11.SEND_BODY))
        return coming and not (self._failed or self._closed or self._unanswered)

    @property
    def idle(self) -> bool:
        """Whether the connection stands between two requests: reusable, and not a byte of the next one is there."""
        return self.reusable and self._head is None and self._connection.trailing_data[0] == b""

    def receive(self, data: bytes) -> Request | None:
        """Take bytes that arrived (``b""``: the peer closed its side). Raises HttpError.

        A request that came together with bytes of a next one is refused as a whole: nobody who waits for answers sends
        so, and what stands where between two requests must never be a matter of opinion.
        """
        if self._failed:
            raise HttpError("the connection has failed before")
        try:
            return self._receive(data)
        except h11.RemoteProtocolError as error:
            self._failed = True
            raise HttpError(f"the peer broke HTTP/1.1: {error}"[:200]) from error
        except HttpError:
            self._failed = True
            raise

    def respond(self, status: int, headers: Mapping[str, str], body: bytes, *, close: bool = False) -> bytes:
        """The bytes of the response to the last request, with ``Content-Length``; ``close`` ends the connection.

        Raises HttpError for a response that cannot be written, and RuntimeError where none is due.
        """
        if not (self._unanswered or self._failed):
            raise RuntimeError("a response to no request")
        if self._connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            raise RuntimeError("a second response to one request")
        if not 200 <= status <= 599 or (status in BODILESS and body):
            raise HttpError("not a status that stands with this body")
        fields = [(name.encode("utf-8"), value.encode("utf-8")) for name, value in headers.items()]
        if any(name.lower() in _FRAMING for name, _ in fields):
            raise HttpError("the framing of a response is not the caller's to choose")
        if status not in BODILESS:
            fields.append((b"Content-Length", str(len(body)).encode("ascii")))
        if close or self._failed:
            fields.append((b"Connection", b"close"))
        try:
            head = self._connection.send(h11.Response(status_code=status, headers=fields))
        except h11.LocalProtocolError as error:
            self._failed = True
            raise HttpError("a header field cannot be written") from error
        # HEAD is refused, but the refusal too must have no body, or it would be read as a next response.
        data = self._connection.send(h11.Data(data=body)) if body and not self._head_only else b""
        end = self._connection.send(h11.EndOfMessage())
        self._unanswered = False
        if set(self._connection.states.values()) == {h11.DONE}:
            self._connection.start_next_cycle()
        return b"".join(part for part in (head, data, end) if part)

    def _receive(self, data: bytes) -> Request | None:
        if self._unanswered:
            if data:
                raise HttpError("a request before the last one was answered")
            # The peer may close its side and still read: its request gets its response, and nothing comes after.
            self._closed = True
            return None
        if self._closed or not self.reusable:
            raise HttpError("bytes after the end of the connection")
        if not data:
            if not self.idle:
                raise HttpError("the peer closed the connection before its request was complete")
            self._closed = True
            return None
        # h11 bounds what is incomplete, not what arrives complete in one piece. Feeding it no more than the bound at a
        # time makes the bound hold however the bytes are cut.
        position = 0
        while position < len(data):
            room = self._maximum_head_bytes + 1 - len(self._connection.trailing_data[0])
            piece = data[position : position + room]
            self._connection.receive_data(piece)
            position += len(piece)
            request = self._events()
            if request is not None:
                if position < len(data) or self._connection.trailing_data[0] != b"":
                    raise HttpError("a request before the last one was answered")
                self._unanswered = True
                return request
        return None

    def _events(self) -> Request | None:
        while True:
            event = self._connection.next_event()
            if isinstance(event, h11.Request):
                self._require_served(event)
                self._head = event
                self._body.clear()
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > self._bound:
                    raise HttpError(f"a request body has more than {self._bound} bytes")
            elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                head, self._head = self._head, None
                headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
                return Request(head.method.decode("ascii"), head.target.decode("ascii"), headers, bytes(self._body))
            else:
                return None

    def _require_served(self, head: h11.Request) -> None:
        """One version, a known method, a plain target, and one length of the body that is within its bound."""
        method, target = head.method.decode("ascii"), head.target.decode("latin-1")
        self._head_only = method == "HEAD"
        if head.http_version != b"1.1":
            raise HttpError("not HTTP/1.1")
        if method not in METHODS:
            raise HttpError(f"not a method that is served: {method[:20]!r}")
        if TARGET.fullmatch(target) is None:
            raise HttpError("not an absolute path in printable ASCII")
        names = [name for name, _ in head.headers]
        if b"content-length" in names and b"transfer-encoding" in names:
            raise HttpError("a request has two lengths")
        # Nothing is sent before a request is complete, and this connection never becomes another protocol's.
        if b"expect" in names or b"upgrade" in names:
            raise HttpError("a request expects what is not done here")
        self._bound = self._larger_bodies.get((method, target.partition("?")[0]), self._maximum_body_bytes)
        # h11 has checked that a content length is one number of at most twenty digits.
        if any(name == b"content-length" and int(value) > self._bound for name, value in head.headers):
            raise HttpError(f"a request body has more than {self._bound} bytes")
