"""Errors as calm pages in the reader's language; a door for programs registers a renderer of its own."""

from collections.abc import Callable

from flask import Flask, Response, current_app, make_response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError

from campaign import jobs
from campaign.http.headers import is_framed
from campaign.i18n import gettext
from campaign.tokens import ExpiredToken, InvalidToken

# Makes the response, instead of a page, from the status and the error.
ErrorRenderer = Callable[[int, Exception], Response]


def register_error_renderer(app: Flask, prefix: str, renderer: ErrorRenderer) -> None:
    """Have errors at paths with this prefix rendered by ``renderer`` instead of as pages."""
    app.extensions.setdefault("error_renderers", {})[prefix] = renderer


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(ExpiredToken, _expired_link)
    app.register_error_handler(InvalidToken, _invalid_link)
    app.register_error_handler(Exception, _unexpected_error)


def error_text(status: int) -> tuple[str, str]:  # noqa: PLR0911
    """Return the title of an error and a sentence on what to do about it."""
    # One return for each kind of error reads better than any table of lazy strings.
    if status in {404, 405}:
        return gettext("Page not found"), gettext(
            "There is nothing at this address. Perhaps a part of it got lost."
        )
    if status == 403:
        return gettext("Not allowed"), gettext(
            "This form was sent from another site. Open the page here and send it again."
        )
    if status == 410:
        return gettext("No longer here"), gettext(
            "This link is no longer valid, or what it led to was removed."
        )
    if status == 413:
        return gettext("Too much text"), gettext(
            "What was sent is larger than a pledge can be. Go back and shorten it."
        )
    if status == 429:
        return gettext("Too many requests"), gettext("Wait a minute, then try again.")
    if status >= 500:
        return gettext("Something went wrong"), gettext(
            "This is our fault, not yours. Try again in a few minutes."
        )
    return gettext("This did not work"), gettext("Go back and try again.")


def _render(error: Exception, status: int, title: str, message: str) -> Response:
    renderers: dict[str, ErrorRenderer] = current_app.extensions.get("error_renderers", {})
    for prefix, renderer in renderers.items():
        if request.path.startswith(prefix):
            return renderer(status, error)
    template = "embed/error.html" if is_framed() else "error.html"
    page = render_template(template, status=status, title=title, message=message)
    return make_response(page, status)


def _http_error(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error  # a redirect, raised by the routing
    if isinstance(
        error, SecurityError
    ):  # of a host that is not ours no page can be made: its links lead nowhere
        return Response(f"{gettext('This did not work')}\n", 400, mimetype="text/plain")
    response = _render(error, status, *error_text(status))
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())  # RFC 9110, 15.5.6
    if status == 429:
        response.headers.setdefault("Retry-After", "60")  # most limits are per minute
    return response


def _expired_link(error: ExpiredToken) -> Response:
    return _render(
        error,
        410,
        gettext("This link has expired"),
        gettext("Links in our e-mails are valid for a limited time. Ask for a new one."),
    )


def _invalid_link(error: InvalidToken) -> Response:
    return _render(
        error,
        404,
        gettext("This link is not valid"),
        gettext("Copy the whole link from the e-mail, or ask for a new one."),
    )


def _unexpected_error(error: Exception) -> Response:
    if current_app.config["TESTING"]:
        raise error
    # The rule rather than the path, which may contain a person's token.
    current_app.logger.error("unexpected error at %s", request.url_rule, exc_info=error)
    jobs.rollback()
    return _render(error, 500, *error_text(500))
