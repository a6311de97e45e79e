"""The customer's page, served: the application in this process, and nginx in front of it.

Decides the order in which they begin and end, and the bounds of the application's own server. Nothing is reached before
all of it stands: first the addresses, then the application on its socket, then the server in front, then its name.
"""

import logging
import socket
import threading
from contextlib import ExitStack
from typing import Any, Final

from waitress import create_server, wasyncore

from han_web.app import create_app
from han_web.front import Front, Nginx
from han_web.mdns import Announcement
from han_web.sockets import listen, listen_locally
from smgw.han.port import HanPort
from smgw.han.settings import HanSettings, ServingError, ServingReason

_logger = logging.getLogger(__name__)
# It writes a line for each request that waits for another: whoever asks often could fill the gateway's journal.
logging.getLogger("waitress.queue").setLevel(logging.ERROR)

THREADS: Final = 4
"""Requests that are worked at together; the store and the token are asked one after the other anyway."""
_CONNECTIONS: Final = 100
_HEADER_OCTETS: Final = 256 * 1024
"""A client's certificate, escaped, beside four lines of 8 kB."""
_BODY_OCTETS: Final = 128 * 1024
_IN_MEMORY: Final = 2**31 - 1
"""What people are shown stays in memory: nothing of it is put into a file, however large."""
_IDLE_SECONDS: Final = 150
_END_SECONDS: Final = 5


class Application:
    """The application on its socket."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        """``app`` is a WSGI application; takes over ``listener``."""
        self._map: dict[int, Any] = {}
        self._server = create_server(
            app,
            map=self._map,
            sockets=[listener],
            threads=THREADS,
            url_scheme="https",
            ident=None,
            connection_limit=_CONNECTIONS,
            channel_timeout=_IDLE_SECONDS,
            max_request_header_size=_HEADER_OCTETS,
            max_request_body_size=_BODY_OCTETS,
            inbuf_overflow=_IN_MEMORY,
            outbuf_overflow=_IN_MEMORY,
            clear_untrusted_proxy_headers=True,
            log_socket_errors=False,
            asyncore_use_poll=True,
        )
        self._thread = threading.Thread(target=self._server.run, name="han-page", daemon=True)

    def start(self) -> None:
        """Take requests."""
        self._thread.start()

    def stop(self) -> None:
        """Take no more, and give those that are worked at some time to end."""
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=_END_SECONDS)
        # Everything of the server belongs to its own thread, and so does closing it.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._map, ignore_all=True))
        self._thread.join(_END_SECONDS)


class Page:
    """What :func:`serve` gives back (RunningPage)."""

    def __init__(self, front: Front, ending: ExitStack) -> None:
        """``ending`` ends all parts."""
        self._front = front
        self._ending = ending

    def stop(self) -> None:
        """End it, in order."""
        self._ending.close()

    def serving(self) -> bool:
        """Whether somebody could reach it now."""
        return self._front.serving()

    def fingerprint(self) -> str:
        """Of the certificate that is shown."""
        return self._front.fingerprint()


def serve(port: HanPort, settings: HanSettings) -> Page:
    """Serve ``port`` until the page is stopped; the entry point of the group ``smgw.han``.

    Raises:
        ServingError: with what to do.
        TokenError: where the key in the token cannot be used.
    """
    nginx = Nginx.look()
    announcement = None if settings.page.mdns is None else Announcement(settings.page)
    with ExitStack() as ending:
        try:
            settings.folder.mkdir(mode=0o700, exist_ok=True)
            listening = listen(settings.page.addresses, settings.page.port)
            for one in listening:
                ending.callback(one.close)
            application = Application(create_app(port), listen_locally(settings.folder))
            ending.callback(application.stop)
            application.start()
            front = Front(settings, listening, nginx)
            ending.callback(front.stop)
            front.start()
        except OSError as error:
            raise ServingError(ServingReason.FRONT, f"the home area network cannot be served: {error}") from error
        if announcement is not None:
            ending.callback(announcement.stop)
            announcement.start()
        return Page(front, ending.pop_all())
