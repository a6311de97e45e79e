"""What the fronts are measured with: the datacenter's way in and its certificate check's input, and nothing behind it.

``python -m testbed.bench.front_app CONFIG`` serves it as ``smgw-datacenter serve`` does; granian loads ``application``.
"""

import ssl
import sys
import time
from pathlib import Path

from flask import Flask, request

from datacenter import config, serve, tls
from datacenter.front import CERTIFICATE_HEADER
from datacenter.server import PATH

application = Flask("front")


@application.post(PATH)
def accept() -> tuple[str, int]:
    """Read the body, find a certificate, answer 204; 403 if the way in shows none."""
    connection = request.environ.get("gunicorn.socket")
    shown: object = request.headers.get(CERTIFICATE_HEADER)
    if isinstance(connection, ssl.SSLSocket):
        shown = connection.getpeercert(binary_form=True)
    request.get_data(cache=False)
    return ("", 204) if shown else ("", 403)


def main() -> None:
    """Serve on a port with TLS, or on a Unix socket, as the configuration says."""
    loaded = config.load(Path(sys.argv[-1]))
    context = None
    if loaded.listen.socket is None:
        tls.restart_with_groups()
        context = tls.CurrentContext(loaded, time.monotonic)
    serve.Server(loaded, context, lambda: application).run()


if __name__ == "__main__":
    main()
