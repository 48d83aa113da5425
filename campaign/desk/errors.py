"""Errors of the desk as calm pages: what happened, what was kept, what to do."""

from flask import Flask, Response, make_response, render_template

from campaign import jobs
from campaign.http.errors import error_text, register_error_renderer
from campaign.i18n import gettext
from campaign.staff.scopes import OutOfScope


def init_app(app: Flask) -> None:
    register_error_renderer(app, "/", _render)
    app.register_error_handler(OutOfScope, _out_of_scope)


def _out_of_scope(error: OutOfScope) -> Response:
    """Answer as if there were nothing: that something exists elsewhere is nobody's business."""
    jobs.rollback()
    return _render(404, error)


def _render(status: int, _error: Exception) -> Response:
    title, message = _text(status)
    page = render_template("desk/error.html", status=status, title=title, message=message)
    return make_response(page, status)


def _text(status: int) -> tuple[str, str]:
    if status == 403:
        return gettext("Not allowed"), gettext(
            "Your account may not do this, or the page was open for too long. Load it again; if that does not help,"
            " ask an administrator."
        )
    if status == 413:
        return gettext("Too large"), gettext(
            "What was sent is larger than this page takes. Nothing was changed."
        )
    return error_text(status)
