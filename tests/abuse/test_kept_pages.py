"""Nothing of a request may change a kept page that others get, but what the page is kept under: path and language.

The real server, asked over a raw socket: a client library would not send what a stranger can.
"""

import re
import socket

import pytest

from campaign import geography

EVIL = "evil.example"
# Headers by which frameworks, servers and proxies are told of another address, scheme, method or body.
HEADERS = {
    "SCRIPT_NAME": f"//{EVIL}", "SCRIPT-NAME": f"//{EVIL}", "PATH_INFO": f"/{EVIL}/", "PATH-INFO": f"/{EVIL}/",
    "X-Script-Name": f"/{EVIL}", "X-Forwarded-Host": EVIL, "X-Forwarded-Server": EVIL, "X-Host": EVIL,
    "X-Forwarded-Prefix": f"//{EVIL}", "X-Forwarded-Proto": "https", "X-Forwarded-Protocol": "ssl",
    "X-Forwarded-Ssl": "on", "X-Forwarded-Scheme": "https", "X-Url-Scheme": "https", "X-Scheme": "https",
    "Front-End-Https": "on", "X-Forwarded-Port": "8443", "X-Forwarded-For": "203.0.113.7", "X-Real-Ip": EVIL,
    "Forwarded": f"for=203.0.113.7;host={EVIL};proto=https", "X-Original-Url": f"/{EVIL}", "Via": f"1.1 {EVIL}",
    "X-Rewrite-Url": f"/{EVIL}", "X-Original-Host": EVIL, "X-Http-Host-Override": EVIL, "X-Wap-Profile": EVIL,
    "X-Http-Method-Override": "POST", "X-Method-Override": "POST", "Origin": f"https://{EVIL}", "From": EVIL,
    "Referer": f"https://{EVIL}/", "Cookie": "locale=ar; session=x", "Authorization": "Bearer x", "Dnt": "1",
    "User-Agent": EVIL, "Accept-Language": "ar", "Accept": "application/json", "X-Requested-With": EVIL,
    "Sec-Fetch-Site": "cross-site", "Save-Data": "on", "Range": "bytes=0-9", "Cf-Connecting-Ip": EVIL,
}  # fmt: skip
# Each is kept under an address of its own, so that the hostile request is the one that makes it.
COUNTRIES = sorted(set(geography.COUNTRIES) - {"TZ", "ZW"})


def ask(port: int, target: str, *headers: str, host: str | None = None) -> tuple[int, bytes, bytes]:
    """Status, head and body of one request, sent as written."""
    lines = [f"GET {target} HTTP/1.1", f"Host: {host or f'localhost:{port}'}", "Connection: close"]
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, *headers, "", ""]).encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head, body


def comparable(page: bytes, country: str) -> bytes:
    """What the pages of all countries have in common: links, scripts, head and foot."""
    own = rb"<main.*</main>|<title>.*?</title>|content=\"[^\"]*\"|<script type=.*?</script>"
    return re.sub(own, b"", page, flags=re.S).replace(country.encode(), b"XX")


@pytest.mark.parametrize(("name", "country"), [*zip(HEADERS, COUNTRIES, strict=False)])
def test_no_header_changes_what_is_kept(port: int, name: str, country: str) -> None:
    path = f"/sw/countries/{country}/"
    hostile = ask(port, path, f"{name}: {HEADERS[name]}")
    status, head, body = ask(port, path)

    assert status == 200
    assert EVIL.encode() not in head + body
    # It is the page that a reader of another country gets, whose address nobody has attacked.
    assert comparable(body, country) == comparable(ask(port, "/sw/countries/ZW/")[2], "ZW")
    assert hostile[0] in {200, 304, 400, 404}


@pytest.mark.parametrize(
    "target", [f"//{EVIL}/sw/countries/TZ/", f"http://{EVIL}/sw/countries/TZ/"]
)
def test_an_address_with_a_host_in_it_poisons_nothing(port: int, target: str) -> None:
    for header in (f"SCRIPT_NAME: //{EVIL}", "X-Nothing: 1"):
        ask(port, target, header)
    status, head, body = ask(port, "/sw/countries/TZ/")
    assert status == 200
    assert EVIL.encode() not in head + body


@pytest.mark.parametrize("path", ["/sw/countries/tz/", "/sw/countries", "//sw//countries/TZ/"])
def test_redirects_stay_on_the_readers_host(port: int, path: str) -> None:
    status, head, _ = ask(port, path)
    location = re.search(rb"(?i)^location: (.*?)\r?$", head, re.M)
    assert status in {301, 308}
    assert location
    assert re.match(rb"/[^/]", location[1])


@pytest.mark.parametrize(
    "host", [EVIL, f"localhost.{EVIL}", f"localhost:80@{EVIL}", f"{EVIL}:80", "localhost, x"]
)
def test_a_host_that_is_not_ours_is_refused(port: int, host: str) -> None:
    status, _, body = ask(port, "/sw/countries/TZ/", host=host)
    assert status == 400
    assert EVIL.encode() not in body


def test_the_frame_names_no_host_of_the_request(port: int) -> None:
    _, head, _ = ask(port, f"/embed/sw/form?institution=02y9nww90&host=http://{EVIL}")
    assert EVIL.encode() not in head


# Where a body ends can be read in two ways: what one reader takes for the body is the next request to the other. A
# proxy that reads it otherwise than we do would keep our answer to the hidden request for the next visitor's.
HIDDEN = "GET /en/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
AMBIGUOUS = {
    "both lengths": f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "two lengths": f"Content-Length: 0\r\nContent-Length: {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "a list of lengths": f"Content-Length: 0, {len(HIDDEN)}\r\n\r\n{HIDDEN}",
    "a signed length": f"Content-Length: +0\r\n\r\n{HIDDEN}",
    "a length with a low line": f"Content_Length: {len(HIDDEN)}\r\nContent-Length: 0_0\r\n\r\n{HIDDEN}",
    "an unknown coding": f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "chunked, then another": f"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a blank before the colon": f"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a vertical tab": f"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a line end alone": f"X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a chunk of odd size": f"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{HIDDEN}",
    "a folded coding": f"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{HIDDEN}",
    "a chunk with a sign": f"Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n{HIDDEN}",
}


@pytest.mark.parametrize("rest", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_no_second_request_hides_behind_an_ambiguous_length(port: int, rest: str) -> None:
    """The kind: two that read the same bytes must not find different requests in them (RFC 9112, 11.2)."""
    with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        connection.sendall(f"POST /en/my/ HTTP/1.1\r\nHost: localhost:{port}\r\n{rest}".encode())
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert len(re.findall(rb"^HTTP/1\.", received, re.M)) == 1
