"""An HTTP client for URLs that others supplied, which gives them no way into our own network.

Names are resolved here, all their addresses must be public, and the connection goes to one of the addresses that
were checked: a name that resolves differently a moment later gains nothing (OWASP, Server Side Request Forgery
Prevention).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from urllib.parse import urlsplit

import httpx

from campaign.hostnames import InvalidDomain, ascii_domain

# In seconds, for each step: an address that never answers must leave time for the next one.
TIMEOUT = httpx.Timeout(5.0, connect=3.0)
# In seconds, for all addresses and steps together: a server that answers byte by byte keeps every step short.
TOTAL_TIMEOUT = 10.0
_LONGEST_URL = 2000
# All IPv6 addresses that have been allocated (RFC 4291, 2.4). Those that a gateway translates to IPv4 are outside.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


class InvalidUrl(ValueError):
    """The text is not a URL that can be posted to; the message says why."""


class PrivateAddress(OSError):
    """The name resolves to an address that is not public."""


def parse_url(text: str, *, may_be_private: bool = False) -> str:
    """Return the URL as it is requested: https, with the host in A-labels and no password. Raises InvalidUrl.

    Plain http is accepted only where private networks are.
    """
    schemes = ("https", "http") if may_be_private else ("https",)
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        raise InvalidUrl("this is not an address") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise InvalidUrl("the address must begin with https://")
    if parts.username is not None or parts.fragment or len(text) > _LONGEST_URL:
        raise InvalidUrl("the address must hold no password and no fragment, and not be very long")
    if any(character.isspace() or not character.isprintable() for character in text.strip()):
        raise InvalidUrl("the address must hold no blanks")
    host = _host(parts.hostname)
    netloc = f"{host}:{port}" if port else host
    return parts._replace(netloc=netloc, path=parts.path or "/").geturl()


def _host(name: str) -> str:
    try:
        literal = ipaddress.ip_address(name)
    except ValueError:
        try:
            return ascii_domain(name)
        except InvalidDomain:
            raise InvalidUrl("the host is not a name that the DNS can have") from None
    return f"[{literal}]" if literal.version == 6 else str(literal)


def is_public(address: str) -> bool:
    """Whether the IP address is reachable from the open Internet (RFC 6890 and its registries)."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if ip not in _GLOBAL_UNICAST or ip.sixtofour or ip.teredo:
            return False
    return ip.is_global and not ip.is_multicast


class Outbound:
    """An HTTP client that follows no redirects, reads only the status, and ignores proxies set in the environment.

    Use it as a context manager, which ends its thread.
    """

    def __init__(self, *, may_be_private: bool) -> None:
        self._may_be_private = may_be_private
        self._tls = httpx.create_ssl_context(trust_env=False)
        # A task can be cancelled whatever it waits for, while a blocking call has only the deadline of each step.
        # It runs in a thread of its own, since the caller may be running an event loop already.
        self._thread = ThreadPoolExecutor(1, "outbound")

    def __enter__(self) -> "Outbound":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post the body and return the status of the response. Raises OSError or httpx.HTTPError.

        Without a response within TOTAL_TIMEOUT it raises TimeoutError, which is an OSError.
        """
        parsed = httpx.URL(url)
        status = self._first(parsed, self._addresses(parsed), body, headers)
        return self._thread.submit(asyncio.run, status).result()

    async def _first(
        self, url: httpx.URL, addresses: Sequence[str], body: bytes, headers: Mapping[str, str]
    ) -> int:
        """Return the status from the first address that accepts a connection."""
        *others, last = addresses
        async with asyncio.timeout(TOTAL_TIMEOUT), self._client() as client:
            for address in others:
                try:
                    return await _post(client, url, address, body, headers)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    continue  # such as IPv6 on a machine without it
            return await _post(client, url, last, body, headers)

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._tls,
            timeout=TIMEOUT,
            trust_env=False,
            follow_redirects=False,
            # Two names may share an address: a connection opened for one must not serve the other.
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def _addresses(self, url: httpx.URL) -> list[str]:
        """Return all IP addresses of the host. Raises PrivateAddress if one of them is not public."""
        port = url.port or (443 if url.scheme == "https" else 80)
        infos = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(info[4][0]) for info in infos))
        if not self._may_be_private and not all(is_public(address) for address in addresses):
            raise PrivateAddress(f"{url.host} is not on the open Internet")
        return addresses


async def _post(
    client: httpx.AsyncClient, url: httpx.URL, address: str, body: bytes, headers: Mapping[str, str]
) -> int:
    request = client.build_request(
        "POST",
        url.copy_with(host=address),
        content=body,
        headers={**headers, "Host": url.netloc.decode("ascii")},
        # The certificate must match the name, although the connection goes to an address.
        extensions={"sni_hostname": url.host},
    )
    response = await client.send(request, stream=True)
    await response.aclose()  # unread: the body may be endless
    return response.status_code
