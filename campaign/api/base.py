"""What every operation has in common: strict parameters, errors as problem documents, readable from any site.

Errors are RFC 9457 problem documents, whatever went wrong below ``/api/``: never a page, never a stack trace.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeAlias

import flask_smorest
from flask import Flask, Request, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from campaign import i18n
from campaign.api.schemas import ProblemSchema, sample
from campaign.http import errors
from campaign.http.access import View
from campaign.http.headers import CROSS_ORIGIN_HEADERS
from campaign.http.origin import changes_nothing, reads_by_post
from campaign.http.rate_limits import rate_limited

P = ParamSpec("P")
# As marshmallow nests them: sentences, by field or by place in a list.
Messages: TypeAlias = "Mapping[str | int, Messages] | Sequence[str]"

PREFIX = "/api/v1"
PROBLEM = "application/problem+json"
# For each network. A whole campus may share one, and repeated requests are answered from memory.
READ_LIMIT = "1200 per minute"
READ_METHODS = "GET, HEAD, OPTIONS"
_READABLE = "Content-Language, ETag, Link, Retry-After"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": READ_METHODS,
    "Access-Control-Allow-Headers": "Accept, If-None-Match, If-Modified-Since",
    "Access-Control-Max-Age": "86400",
}
# For a list that is sent to be read, which does not fit into an address.
_PREFLIGHT_OF_POST = {
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Content-Type",
}
_DETAILS = {
    400: "The request cannot be read.",
    403: "This request is not allowed.",
    404: "There is nothing at this address.",
    405: "This address does not answer this method.",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    429: "Too many requests. Wait as long as Retry-After says, then try again.",
}


class ApiProblem(HTTPException):
    """An error in the API's own words; ``errors`` says what is wrong with which part of the request."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = status
        self.errors = errors
        self.headers = headers or {}


def write_problem(status: int, error: Exception) -> Response:
    """The problem document (RFC 9457); its title is the phrase of the status, its type about:blank."""
    problem = error if isinstance(error, ApiProblem) else None
    detail = problem.description if problem else _DETAILS.get(status)
    body = _problem(status, detail or "This is our fault, not yours. Try again in a few minutes.")
    if problem and problem.errors:
        body["errors"] = list(problem.errors)
    response = jsonify(body)
    response.status_code = status
    response.mimetype = PROBLEM
    response.headers["Cache-Control"] = "no-store"
    response.headers.update(problem.headers if problem else {})
    return response


def _problem(status: int, detail: str) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": phrase, "status": status, "detail": detail}


class StrictParser(FlaskParser):
    """Refuses unknown and repeated parameters with 400: a misspelled filter must not return unfiltered rows."""

    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def load_querystring(self, req: Request, schema: Schema) -> object:
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise _refusal([(name, "Give this parameter only once.") for name in repeated])
        return super().load_querystring(req, schema)

    def load_json(self, req: Request, schema: Schema) -> object:
        try:
            return super().load_json(req, schema)
        except (ValueError, RecursionError):  # nested deeper, or a number longer, than Python reads
            raise ApiProblem(400, _DETAILS[400]) from None

    def handle_error(self, error: ValidationError, *_args: object, **_named: object) -> NoReturn:
        raise _refusal(_flat(error.messages)) from error


def _refusal(errors: Sequence[tuple[str, str]]) -> ApiProblem:
    # JSON can spell halves of surrogate pairs, which no response can repeat.
    items = [
        {"name": name.encode(errors="replace").decode(), "detail": detail}
        for name, detail in errors
    ]
    return ApiProblem(400, "Some of the parameters cannot be used as they are.", items)


def _flat(messages: Messages, path: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Sentences by dotted name, such as ("q", "Longer than maximum length 200.")."""
    if isinstance(messages, Mapping):
        return [
            error for key, below in messages.items() for error in _flat(below, (*path, str(key)))
        ]
    # The outermost key is the part of the request, such as "query"; a reader knows it anyway.
    return [(".".join(path[1:]) or path[0], str(sentence)) for sentence in messages]


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """Operations that describe themselves, with examples from their schemas and errors as problem documents."""

    ARGUMENTS_PARSER = StrictParser()

    if TYPE_CHECKING:  # flask-smorest has no types

        def get(self, rule: str, **options: object) -> Callable[[View], View]: ...
        def post(self, rule: str, **options: object) -> Callable[[View], View]: ...
        def arguments(
            self, schema: type[Schema] | Schema, *, location: str
        ) -> Callable[[View], View]: ...
        @staticmethod
        def doc(**described: object) -> Callable[[View], View]: ...

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: View | None = None,
        provide_automatic_options: bool | None = None,
        **options: object,
    ) -> None:
        """Document the endpoint as the operation id, by which generated clients name their functions."""
        assert view_func is not None
        endpoint = endpoint or view_func.__name__
        view = self.doc(operationId=endpoint)(view_func)
        super().add_url_rule(rule, endpoint, view, provide_automatic_options, **options)

    def response(
        self, status_code: int, schema: type[Schema], **described: object
    ) -> Callable[[View], View]:
        """As flask-smorest has it, with an example from those of the schema's fields."""
        documented: Callable[[View], View] = super().response(
            status_code, schema, **{"example": sample(schema)} | described
        )
        return documented

    def alt_response(
        self, status_code: int, *, description: str, **described: object
    ) -> Callable[[View], View]:
        """As flask-smorest has it; an error without a schema is a problem document, with an example."""
        if status_code >= 400 and "schema" not in described:
            example = _problem(status_code, description)
            described |= {"schema": ProblemSchema, "content_type": PROBLEM, "example": example}
        documented: Callable[[View], View] = super().alt_response(
            status_code, description=description, **described
        )
        return documented


def tagged(max_age: int) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, Response]]:
    """Add an ETag of the content, for responses that are not worth keeping (RFC 9110, 8.8.3)."""

    def decorate(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
        @wraps(view)
        def with_tag(*args: P.args, **kwargs: P.kwargs) -> Response:
            response = current_app.make_response(view(*args, **kwargs))
            response.headers["Cache-Control"] = f"public, max-age={max_age}"
            response.add_etag()
            return response.make_conditional(request)  # type: ignore[return-value]

        return with_tag

    return decorate


def init_app(app: Flask) -> None:
    app.json.sort_keys = False  # type: ignore[attr-defined]  # fields in the order of the documentation
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # names in few bytes, whatever their script
    errors.register_error_renderer(app, "/api/", write_problem)
    app.after_request(_open_to_all)


@rate_limited(READ_LIMIT)
def count_request() -> None:
    """Run before each request of a blueprint whose operations cost little."""


def choose_language() -> None:
    """Let ``?lang=`` alone decide, not the browser: an address means the same for everyone."""
    g.locale = i18n.negotiate([request.args.get("lang", i18n.DEFAULT)])


def chosen_language() -> str | None:
    """Return the ``?lang=`` of links to further responses in this language; None where they need not say it."""
    return None if i18n.current() == i18n.DEFAULT else i18n.current()


def name_language(response: Response) -> Response:
    """Say which language the names are in, since the requested one may not be offered (RFC 9110, 8.5)."""
    response.headers.setdefault("Content-Language", i18n.current())
    return response


def _open_to_all(response: Response) -> Response:
    """Let pages of every site read (Fetch standard, CORS protocol), and none write from a browser."""
    if not request.path.startswith(f"{PREFIX}/") or not changes_nothing():
        return response
    response.headers.update(CROSS_ORIGIN_HEADERS)
    if request.method == "OPTIONS":
        response.headers.update(_PREFLIGHT | (_PREFLIGHT_OF_POST if reads_by_post() else {}))
    else:
        response.headers["Access-Control-Expose-Headers"] = _READABLE
    return response
