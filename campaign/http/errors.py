"""Every error as a calm page in the reader's language; a door for programs writes its own."""

from collections.abc import Callable

from flask import Flask, Response, current_app, make_response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from campaign import jobs
from campaign.http.headers import is_framed
from campaign.i18n import gettext
from campaign.tokens import ExpiredToken, InvalidToken

# What to answer instead of a page, given the status and the error.
Writer = Callable[[int, Exception], Response]


def write_with(app: Flask, prefix: str, writer: Writer) -> None:
    """Below this path errors are no pages but what ``writer`` makes of them."""
    app.extensions.setdefault("error_writers", {})[prefix] = writer


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _show)
    app.register_error_handler(ExpiredToken, _expired)
    app.register_error_handler(InvalidToken, _invalid)
    app.register_error_handler(Exception, _crashed)


def _words(status: int) -> tuple[str, str]:  # noqa: PLR0911
    """Title and what to do about it."""
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


def _answer(error: Exception, status: int, title: str, message: str) -> Response:
    writers: dict[str, Writer] = current_app.extensions.get("error_writers", {})
    for prefix, writer in writers.items():
        if request.path.startswith(prefix):
            return writer(status, error)
    template = "embed/error.html" if is_framed() else "error.html"
    page = render_template(template, status=status, title=title, message=message)
    return make_response(page, status)


def _show(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error  # a redirect of the routing
    answer = _answer(error, status, *_words(status))
    if isinstance(error, MethodNotAllowed):
        answer.allow.update(error.valid_methods or ())  # RFC 9110, 15.5.6
    if status == 429:
        answer.headers.setdefault("Retry-After", "60")  # most limits are per minute
    return answer


def _expired(error: ExpiredToken) -> Response:
    return _answer(
        error,
        410,
        gettext("This link has expired"),
        gettext("Links in our e-mails are valid for a limited time. Ask for a new one."),
    )


def _invalid(error: InvalidToken) -> Response:
    return _answer(
        error,
        404,
        gettext("This link is not valid"),
        gettext("Copy the whole link from the e-mail, or ask for a new one."),
    )


def _crashed(error: Exception) -> Response:
    if current_app.config["TESTING"]:
        raise error
    # The rule, since a path may hold somebody's link.
    current_app.logger.error("unexpected error at %s", request.url_rule, exc_info=error)
    jobs.rollback()
    return _answer(error, 500, *_words(500))
