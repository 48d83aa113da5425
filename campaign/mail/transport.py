"""An SMTP connection, opened when first needed and kept while it works."""

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

TIMEOUT_SECONDS = 30


class Transport:
    """A client of the server that SMTP_URL names; use it as a context manager, which closes the connection."""

    def __init__(self, smtp_url: str) -> None:
        self._server = urlsplit(smtp_url)
        self._connection: smtplib.SMTP | None = None

    def send(self, message: EmailMessage) -> None:
        """Send one message. A kept connection that turns out to be dead is replaced once. Raises OSError."""
        is_reused = self._connection is not None
        try:
            self._connect().send_message(message)
        except OSError as error:  # smtplib's errors are OSErrors, too
            self.close()  # an interrupted dialogue cannot be trusted with the next message
            if not is_reused or not isinstance(
                error, smtplib.SMTPServerDisconnected | ConnectionError
            ):
                raise
            self._connect().send_message(message)

    def close(self) -> None:
        if self._connection is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._connection.quit()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _connect(self) -> smtplib.SMTP:
        if self._connection is None:
            self._connection = _open(self._server)
        return self._connection


def _open(server: SplitResult) -> smtplib.SMTP:
    context = ssl.create_default_context()
    host = server.hostname or "localhost"
    connection: smtplib.SMTP
    if server.scheme == "smtps":
        connection = smtplib.SMTP_SSL(
            host, server.port or 465, timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        connection = smtplib.SMTP(host, server.port or 25, timeout=TIMEOUT_SECONDS)
    try:
        if server.scheme == "smtp+starttls":
            connection.starttls(context=context)
        if server.username:
            connection.login(unquote(server.username), unquote(server.password or ""))
    except OSError:
        connection.close()
        raise
    return connection
