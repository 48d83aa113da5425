"""What every operation has in common: strict parameters, errors as problems, readable from any site.

Errors are RFC 9457 problem documents, whatever went wrong below ``/api/``: never a page, never a stack.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

import flask_smorest
from flask import Flask, Response, current_app, g, jsonify, request
from marshmallow import RAISE, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from campaign import i18n
from campaign.api.schemas import ProblemSchema, sample
from campaign.http import errors
from campaign.http.headers import CROSS_ORIGIN_HEADERS
from campaign.http.origin import SAFE_METHODS
from campaign.http.rate_limits import rate_limited

View = TypeVar("View", bound=Callable[..., Any])

PREFIX = "/api/v1"
PROBLEM = "application/problem+json"
# For each address. A whole campus may sit behind one, and what is asked again is answered from memory.
READ_LIMIT = "1200 per minute"
READ_METHODS = "GET, HEAD, OPTIONS"
_READABLE = "Content-Language, ETag, Link, Retry-After"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": READ_METHODS,
    "Access-Control-Allow-Headers": "Accept, If-None-Match, If-Modified-Since",
    "Access-Control-Max-Age": "86400",
}
_DETAILS = {
    400: "The request cannot be read.",
    403: "This request is not allowed.",
    404: "There is nothing at this address.",
    405: "This address does not answer this method.",
    413: "What was sent is too large.",
    415: "What was sent is of a type that is not read here.",
    429: "Too many requests. Wait as long as Retry-After says, then try again.",
}


class Problem(HTTPException):
    """An error whose words are the API's own; ``errors`` names what is wrong with which part of the request."""

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
    detail = error.description if isinstance(error, Problem) else _DETAILS.get(status)
    body = _problem(status, detail or "This is our fault, not yours. Try again in a few minutes.")
    if isinstance(error, Problem) and error.errors:
        body["errors"] = list(error.errors)
    answer = jsonify(body)
    answer.status_code = status
    answer.mimetype = PROBLEM
    answer.headers["Cache-Control"] = "no-store"
    if isinstance(error, Problem):
        answer.headers.update(error.headers)
    return answer


def _problem(status: int, detail: str) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": phrase, "status": status, "detail": detail}


class StrictParser(FlaskParser):
    """Refuses parameters that an operation does not know: a typing error must not look like an answer."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def load_querystring(self, req: Any, schema: Any) -> Any:
        repeated = [name for name, values in req.args.lists() if len(values) > 1]
        if repeated:
            raise _refusal([(name, "Give this parameter once only.") for name in repeated])
        return super().load_querystring(req, schema)

    def load_json(self, req: Any, schema: Any) -> Any:
        try:
            return super().load_json(req, schema)
        except (ValueError, RecursionError):  # deeper, or a number longer, than Python reads
            raise Problem(400, _DETAILS[400]) from None

    def handle_error(  # type: ignore[override]
        self, error: ValidationError, *_args: Any, **_named: Any
    ) -> None:
        raise _refusal(_flat(error.messages)) from error


def _refusal(found: Sequence[tuple[str, str]]) -> Problem:
    # JSON can spell halves of characters, which no answer can repeat.
    names = [name.encode(errors="replace").decode() for name, _ in found]
    problems = [
        {"name": name, "detail": detail} for name, (_, detail) in zip(names, found, strict=True)
    ]
    return Problem(400, "Some of the parameters cannot be used as they are.", problems)


def _flat(messages: Any, path: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Sentences by dotted name: ("q", "Longer than maximum length 200.")."""
    if isinstance(messages, Mapping):
        # The outermost key is the part of the request ("query"), which a reader can tell without.
        return [
            problem
            for key, below in messages.items()
            for problem in _flat(below, (*path, str(key)))
        ]
    return [(".".join(path[1:]) or path[0], str(sentence)) for sentence in messages]


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """Operations that describe themselves. Every one can be asked too often, hence 429."""

    ARGUMENTS_PARSER = StrictParser()

    def get(self, rule: str, **options: Any) -> Callable[[View], View]:
        return self._named(super().get(rule, **options))

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        return self._named(super().post(rule, **options))

    def _named(self, add: Callable[[View], View]) -> Callable[[View], View]:
        """Programs that are written from the document call an operation by its view's name."""

        def decorate(view: View) -> View:
            named: View = self.doc(operationId=view.__name__)(view)
            return add(named)

        return decorate

    def reads(
        self, schema: Any, *, location: str = "query", **named: Any
    ) -> Callable[[View], View]:
        """Parameters by schema; the view gets them as a mapping, before the parts of its path."""
        named.setdefault("error_status_code", 400)
        decorate: Callable[[View], View] = self.arguments(schema, location=location, **named)
        return decorate

    def answers(self, status: int, schema: Any = None, **named: Any) -> Callable[[View], View]:
        """The answer that is wanted, written by the schema and shown in the documentation by its examples."""
        if schema is not None and not isinstance(schema, dict):
            named.setdefault("example", sample(schema))
        decorate: Callable[[View], View] = self.response(status, schema, **named)
        return decorate

    def also(self, status: int, **named: Any) -> Callable[[View], View]:
        """Another answer that is no error: a redirect, another content type."""
        decorate: Callable[[View], View] = self.alt_response(status, **named)
        return decorate

    def refuses(self, errors: dict[int, str]) -> Callable[[View], View]:
        """The errors of an operation, by status, with when each is answered."""

        def decorate(view: View) -> View:
            for status, when in (errors | {429: "Too many requests from one network."}).items():
                documented = self.alt_response(
                    status,
                    schema=ProblemSchema,
                    content_type=PROBLEM,
                    description=when,
                    example=_problem(status, when),
                )
                view = documented(view)
            return view

        return decorate


def tagged(max_age: int) -> Callable[[View], View]:
    """An ETag of the content, for what is not worth keeping (RFC 9110, 8.8.3)."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answered(*args: Any, **kwargs: Any) -> Response:
            answer = current_app.make_response(view(*args, **kwargs))
            answer.headers["Cache-Control"] = f"public, max-age={max_age}"
            answer.add_etag()
            return answer.make_conditional(request)  # type: ignore[return-value]

        return answered  # type: ignore[return-value]

    return decorate


def init_app(app: Flask) -> None:
    app.json.sort_keys = False  # type: ignore[attr-defined]  # fields in the order of the documentation
    app.json.ensure_ascii = False  # type: ignore[attr-defined]  # names in few bytes, whatever their script
    errors.write_with(app, "/api/", write_problem)
    app.after_request(_open_to_all)


@rate_limited(READ_LIMIT)
def count_request() -> None:
    """To be run before a request of a blueprint whose answers cost little."""


def speak_language_asked_for() -> None:
    """``?lang=`` alone decides, not the browser: an address means the same for everyone."""
    g.locale = i18n.negotiate([request.args.get("lang", i18n.DEFAULT)])


def tell_language(answer: Response) -> Response:
    """Which language the names are in, since the one asked for may not be offered (RFC 9110, 8.5)."""
    answer.headers.setdefault("Content-Language", i18n.current())
    return answer


def _open_to_all(answer: Response) -> Response:
    """Every page of every site may read (Fetch standard, CORS protocol); none may write from a browser."""
    if not request.path.startswith(f"{PREFIX}/") or request.method not in SAFE_METHODS:
        return answer
    answer.headers.update(CROSS_ORIGIN_HEADERS)
    if request.method == "OPTIONS":
        answer.headers.update(_PREFLIGHT)
    else:
        answer.headers["Access-Control-Expose-Headers"] = _READABLE
    return answer
