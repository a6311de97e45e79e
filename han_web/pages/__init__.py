"""The pages, in groups, each a blueprint of its own."""

from flask import Flask

from han_web.pages import entry


def register(app: Flask) -> None:
    """Give ``app`` every page."""
    app.register_blueprint(entry.pages)
