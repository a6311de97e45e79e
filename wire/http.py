"""The client's half of one HTTP/1.1 connection over any byte stream, sans-IO (on h11; RFC 9112).

Decides when a response is complete and refuses what is ambiguous or unbounded: a body that only the end of the stream
would end (a cut connection would look like a complete answer), header or body beyond its bound, bytes that nobody asked
for, an answer before a question. It never opens, reads or closes anything; the tunnel around it is the caller's.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import h11

from wire.errors import HttpError

MAXIMUM_HEAD_BYTES = 16384
"""Status line and header fields: twice what nginx, tomcat and Apache allow a request by default."""
MAXIMUM_BODY_BYTES = 65536
"""An acknowledgement or a refusal with its reason has some hundred bytes; a page of an error proxy some thousand."""
MAXIMUM_INTERIM_RESPONSES = 8
"""100 Continue and its kin before the real answer; without a bound a peer could keep a request open for ever."""

TARGET = re.compile(r"/[!-~]{0,2000}", re.ASCII)
"""An absolute path, perhaps with a query, in printable ASCII; nobody here has a longer one."""
BODILESS = (204, 304)
"""Statuses whose responses have no body."""
METHODS = ("GET", "POST", "PUT")
"""All that is asked and served: their responses are framed alike; HEAD and CONNECT would need rules of their own."""
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,300}", re.ASCII)
_FRAMING = ("host", "content-length", "transfer-encoding", "connection", "upgrade", "expect")


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer: status 200..999, header fields with lower-case names in order, body without its framing."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header field of this name (any case), or None."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)


def host_field(host: str, port: int) -> str:
    """The Host field of requests to ``host`` at ``port``; an IPv6 address stands in brackets (RFC 3986 §3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class HttpClient:
    """One connection: a request, its response, and the next request while both ends keep it alive.

    :meth:`request` gives the bytes to send; :meth:`receive` takes what arrived and gives the response once it is
    complete, None while more is needed. After an :class:`HttpError` the connection is of no more use.
    """

    def __init__(
        self, *, maximum_body_bytes: int = MAXIMUM_BODY_BYTES, maximum_head_bytes: int = MAXIMUM_HEAD_BYTES
    ) -> None:
        """A fresh connection; nothing is sent until a request is made."""
        self._maximum_body_bytes = maximum_body_bytes
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=maximum_head_bytes)
        self._head: h11.Response | None = None
        self._body = bytearray()
        self._interim = 0
        self._maximum_head_bytes = maximum_head_bytes
        self._waiting = False
        self._failed = False
        self._surplus = False

    @property
    def reusable(self) -> bool:
        """Whether another request may be made: nothing outstanding or left over, kept by both ends, nothing failed."""
        if self._failed or self._waiting or self._surplus:
            return False
        ours, theirs = self._connection.our_state, self._connection.their_state
        return (ours is h11.IDLE and theirs is h11.IDLE) or (ours is h11.DONE and theirs is h11.DONE)

    def request(
        self, target: str, host: str, headers: Mapping[str, str], body: bytes, *, method: str = "POST"
    ) -> bytes:
        """The bytes of one request with ``Host`` and ``Content-Length``; ``target`` is an absolute path.

        Raises HttpError for a header that cannot be written and RuntimeError while the connection is not reusable.
        """
        if not self.reusable:
            raise RuntimeError("a request on a connection that is not reusable")
        if TARGET.fullmatch(target) is None or _HOST.fullmatch(host) is None:
            raise HttpError("a target or host cannot stand in a request")
        if method not in METHODS:
            raise HttpError("not a method of this client")
        if any(name.lower() in _FRAMING for name in headers):
            raise HttpError("the framing of a request is not the caller's to choose")
        if self._connection.our_state is h11.DONE:
            self._connection.start_next_cycle()
        fields = [("Host", host), *headers.items(), ("Content-Length", str(len(body)))]
        try:
            head = self._connection.send(h11.Request(method=method, target=target, headers=fields))
            data = self._connection.send(h11.Data(data=body)) if body else b""
            end = self._connection.send(h11.EndOfMessage())
        except (h11.LocalProtocolError, UnicodeEncodeError) as error:
            self._failed = True
            raise HttpError("a header field cannot be written") from error
        self._head = None
        self._body.clear()
        self._interim = 0
        self._waiting = True
        return b"".join(part for part in (head, data, end) if part)

    def receive(self, data: bytes) -> Response | None:
        """Take bytes that arrived (``b""``: the peer closed its side). Raises HttpError.

        Bytes beyond a complete response do not spoil it, but the connection is not reusable then.
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

    def _receive(self, data: bytes) -> Response | None:
        if not self._waiting:
            if data:
                raise HttpError("the peer sent bytes that nobody asked for")
            self._surplus = True
            return None
        if not data:
            self._connection.receive_data(b"")
            self._events()
            raise HttpError("the peer closed the connection before its response was complete")
        # h11 bounds what is incomplete, not what arrives complete in one piece. Feeding it no more than the bound at a
        # time makes the bound hold however the bytes are cut.
        position = 0
        while position < len(data):
            room = self._maximum_head_bytes + 1 - len(self._connection.trailing_data[0])
            piece = data[position : position + room]
            self._connection.receive_data(piece)
            position += len(piece)
            response = self._events()
            if response is not None:
                self._surplus = position < len(data) or self._connection.trailing_data[0] != b""
                return response
        return None

    def _events(self) -> Response | None:
        while True:
            event = self._connection.next_event()
            if isinstance(event, h11.InformationalResponse):
                self._interim += 1
                if self._interim > MAXIMUM_INTERIM_RESPONSES:
                    raise HttpError("too many interim responses")
            elif isinstance(event, h11.Response):
                self._require_framed(event)
                self._head = event
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > self._maximum_body_bytes:
                    raise HttpError(f"a response body has more than {self._maximum_body_bytes} bytes")
            elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                self._waiting = False
                headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in self._head.headers)
                return Response(self._head.status_code, headers, bytes(self._body))
            else:
                return None

    def _require_framed(self, head: h11.Response) -> None:
        """The length of the body is known before it comes, in one way only, and within the bound."""
        lengths = [value for name, value in head.headers if name == b"content-length"]
        chunked = any(name == b"transfer-encoding" for name, _ in head.headers)
        if lengths and chunked:
            raise HttpError("a response has two lengths")
        if not lengths and not chunked and head.status_code not in BODILESS:
            raise HttpError("a response ends only where the connection ends")
        # h11 has checked that a content length is one number of at most twenty digits.
        if lengths and int(lengths[0]) > self._maximum_body_bytes:
            raise HttpError(f"a response body has more than {self._maximum_body_bytes} bytes")
