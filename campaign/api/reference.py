"""The OpenAPI document as a person reads it: what the template of the reference page lays out."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup, escape

Node = Mapping[str, Any]
# Follows a reference, see _resolved.
Find = Callable[[Node], Node]

ABOUT = (
    "The campaign’s public numbers, the people and institutions that chose to be named, and the texts they signed, "
    "for any program to read. Reading needs no key and no registration."
)
# Not for translators: what is said to programmers is English, as the document is.
WORDS = {
    "contents": "Contents",
    "basics": "Basics",
    "document": "OpenAPI document",
    "required": "required",
    "example": "For example",
    "sent": "What to send",
    "request": "Request",
    "answer": "Answer",
    "fields": "Fields of the answer",
    "others": "Other answers",
}
BASICS = {
    "Versions": (
        "Everything below `/api/v1` keeps its meaning. Fields and operations may be added, so ignore what you "
        "do not know. Breaking changes get a new version."
    ),
    "Values": (
        "Numbers are numbers. Days and times are ISO 8601 in UTC, languages BCP 47, countries ISO 3166-1 "
        "alpha-2, regions UN M49, institutions ROR ids (ours for what "
        "ROR does not have begin with x). What is not known is `null`."
    ),
    "Languages": (
        "Names are in the language that `lang` asks for, by default English; Accept-Language is ignored. "
        "Where a language is not offered, `Content-Language` says which one was used instead."
    ),
    "Parameters": (
        "A parameter that is unknown, is repeated or has an invalid value is refused with 400. `errors` says "
        "which one, and why."
    ),
    "Pages": (
        "A long list comes in pages. Follow `next`, or the `Link` header (RFC 8288), until it is `null`. "
        "Cursors are signed and valid for seven days; any other is refused with 400."
    ),
    "Files": (
        "Tallies, days, months, signatories and official pledges come whole, as a file, with `.csv` or `.jsonl` "
        "after their address, or with `Accept: text/csv` or `Accept: application/jsonl`. In CSV, a text "
        "that a spreadsheet would take for a formula has an apostrophe before it, and ROR ids have their address, "
        "since a spreadsheet would take some for numbers."
    ),
    "Caching": (
        "Answers have an `ETag`. Send it back as `If-None-Match`, and as long as no number has "
        "changed, the answer is an empty 304. `Cache-Control` says for how long you need not ask again."
    ),
    "People": (
        "How many people pledged in a country, a region or at an institution is live. What they chose, and when, "
        "is published once a day for groups of five people or more, in multiples of five, so that no number and "
        "no difference of two numbers describes a single person. Numbers of official pledges are live."
    ),
    "Limits": (
        "1200 requests a minute from one network, 30 for files and for lists to match. Beyond that, the "
        "answer is 429, and `Retry-After` says how many seconds to wait. For all numbers at once, take the daily "
        "dataset instead."
    ),
    "Errors": (
        "An error is always `application/problem+json` (RFC 9457), with `status`, `title`, `detail` and, "
        "where single parameters are wrong, `errors`."
    ),
    "Browsers": (
        "Scripts of any site may read (CORS); they need no credentials and may not send any. Writing is for "
        "servers."
    ),
    "Names": (
        "Names are here because these people chose to be listed. They can change their mind: refresh any copy "
        "at least once a day, and use the names only to show who pledged."
    ),
}


@dataclass(frozen=True)
class Line:
    """A parameter or a field: its dotted name, its type in words, what it means."""

    name: str
    type: str
    description: Markup
    is_required: bool
    example: str


@dataclass(frozen=True)
class Body:
    """What is sent or answered: its fields, and an example in each content type."""

    fields: list[Line]
    examples: list[tuple[str, str]]


@dataclass(frozen=True)
class Operation:
    anchor: str
    method: str
    path: str
    summary: str
    description: Markup
    parameters: list[tuple[str, list[Line]]]
    request: str
    sent: Body | None
    answer: Body
    status: str
    others: list[tuple[str, Markup]]


@dataclass(frozen=True)
class Section:
    name: str
    description: str
    operations: list[Operation]


def sections(document: Node) -> list[Section]:
    """The operations by tag, in the order of the document."""
    operations = [
        (operation["tags"][0], _operation(document, path, method, methods))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in {"get", "post"}
    ]
    return [
        Section(
            tag["name"], tag["description"], [o for name, o in operations if name == tag["name"]]
        )
        for tag in document["tags"]
    ]


def _operation(document: Node, path: str, method: str, methods: Node) -> Operation:
    find, operation = partial(_resolved, document), methods[method]
    responses = {status: find(response) for status, response in operation["responses"].items()}
    status = next(status for status in responses if status.startswith("2"))
    others = [
        (other, prose(response.get("description", "")))
        for other, response in sorted(responses.items())
        if other != status
    ]
    shared, own = methods.get("parameters", []), operation.get("parameters", [])
    parameters = [find(parameter) for parameter in [*shared, *own]]
    sent = find(operation["requestBody"]) if "requestBody" in operation else None
    return Operation(
        anchor=f"{method}{path.replace('/', '-')}".translate(str.maketrans("", "", "{}")),
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        description=prose(operation["description"]),
        parameters=[
            (title, [_parameter(find, each) for each in parameters if each["in"] == place])
            for place, title in (("path", "In the path"), ("query", "In the query"), ("header", "Header fields"))
            if any(each["in"] == place for each in parameters)
        ],
        request=_request(document, path, method, operation),
        sent=_body(find, sent) if sent else None,
        answer=_body(find, responses[status]),
        status=status,
        others=others,
    )  # fmt: skip


def _resolved(document: Node, node: Node) -> Node:
    """Follow a reference inside the document."""
    while "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def _parameter(find: Find, node: Node) -> Line:
    schema = find(node.get("schema", {}))
    description = node.get("description") or schema.get("description", "")
    example = node.get("example", next(iter(schema.get("examples", [])), ""))
    is_required = node.get("required", False)
    return Line(node["name"], _type(find, schema), prose(description), is_required, str(example))


def _type(find: Find, schema: Node) -> str:
    """A schema's type in a few words."""
    kinds = schema.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    words = " or ".join(kinds)
    if schema.get("items"):
        words = words.replace("array", f"array of {_type(find, find(schema['items']))}s")
    if "enum" in schema:
        words += ": " + ", ".join(str(value) for value in schema["enum"])
    if schema.get("format"):
        words += f" ({schema['format']})"
    if "minimum" in schema and "maximum" in schema:
        words += f", {schema['minimum']} to {schema['maximum']}"
    if "maxLength" in schema:
        words += f", up to {schema['maxLength']} characters"
    if "default" in schema:
        words += f", default: {schema['default']}"
    return words


def _body(find: Find, holder: Node) -> Body:
    content = holder.get("content", {})
    main: Node = next(iter(content.values()), {})
    schema = find(main.get("schema", {}))
    examples = [
        (type_, _example(media["example"]))
        for type_, media in content.items()
        if "example" in media
    ]
    return Body(list(_lines(find, schema)), examples)


def _example(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _lines(find: Find, schema: Node, prefix: str = "") -> Iterator[Line]:
    """Every field by its dotted name, each followed by the fields inside it."""
    if "items" in schema:
        schema, prefix = find(schema["items"]), f"{prefix}[]."
    for alternative in map(find, schema.get("anyOf", [])):
        yield from _lines(find, alternative, prefix)
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        inner = find(field)
        description = field.get("description") or inner.get("description", "")
        yield Line(
            prefix + name, _type(find, inner), prose(description), name in required, ""
        )  # fmt: skip
        inside = prefix + name + ("" if "items" in inner else ".")
        yield from _lines(find, inner, inside)


def _request(document: Node, path: str, method: str, operation: Node) -> str:
    """The request as a line for a terminal."""
    shared = document["paths"][path].get("parameters", [])
    for parameter in map(partial(_resolved, document), [*shared, *operation.get("parameters", [])]):
        if parameter["in"] == "path":
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", str(parameter.get("example", name)))
    address = f"{document['servers'][0]['url']}{path}"
    if method == "get":
        return f"curl {address}"
    headers = ["'Authorization: Bearer YOUR-KEY'"] if operation.get("security") else []
    headers.append("'Content-Type: application/json'")
    return " \\\n  ".join(
        [f"curl {address}", *(f"--header {header}" for header in headers), "--data @body.json"]
    )


def prose(text: str) -> Markup:
    """Escaped text in which what stands between backticks is code."""
    parts = text.replace("\n", " ").split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(parts)
    )
