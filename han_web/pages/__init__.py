"""The pages, in groups, each a blueprint of its own."""

from flask import Flask

from han_web.pages import (
    account,
    contracts,
    costs,
    device,
    diary,
    entry,
    export,
    history,
    now,
    readings,
    service,
    transmissions,
)


def register(app: Flask) -> None:
    """Give ``app`` every page."""
    for group in (
        entry,
        now,
        history,
        costs,
        contracts,
        transmissions,
        readings,
        diary,
        export,
        device,
        account,
        service,
    ):
        app.register_blueprint(group.pages)
