"""A Flask application for scripts that use Flask's context."""

from typing import Any


def make_app() -> Any:
    """Return an application with the routes of a service, for ``flask.request`` and ``jsonify``."""
    import flask  # noqa: PLC0415

    app = flask.Flask("entry_module", static_folder=None)
    for path, name in (("/", "health"), ("/score", "score"), ("/swagger.json", "swagger")):
        app.add_url_rule(path, name, methods=["GET", "POST", "OPTIONS"])
    return app
