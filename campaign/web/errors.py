"""Every error as a calm page in the reader's language."""

from flask import Flask, Response, current_app, make_response, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from campaign import jobs
from campaign.i18n import gettext
from campaign.tokens import ExpiredToken, InvalidToken


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


def _page(status: int, title: str, message: str) -> tuple[str, int]:
    return render_template("error.html", status=status, title=title, message=message), status


def _show(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error  # a redirect of the routing
    answer = make_response(_page(status, *_words(status)))
    if isinstance(error, MethodNotAllowed):
        answer.allow.update(error.valid_methods or ())  # RFC 9110, 15.5.6
    if status == 429:
        answer.headers["Retry-After"] = "60"  # the limits are per minute
    return answer


def _expired(_error: ExpiredToken) -> tuple[str, int]:
    return _page(
        410,
        gettext("This link has expired"),
        gettext("Links in our e-mails are valid for a limited time. Ask for a new one."),
    )


def _invalid(_error: InvalidToken) -> tuple[str, int]:
    return _page(
        404,
        gettext("This link is not valid"),
        gettext("Copy the whole link from the e-mail, or ask for a new one."),
    )


def _crashed(error: Exception) -> tuple[str, int]:
    if current_app.config["TESTING"]:
        raise error
    # The rule, since a path may hold somebody's link.
    current_app.logger.error("unexpected error at %s", request.url_rule, exc_info=error)
    jobs.rollback()
    return _page(500, *_words(500))
