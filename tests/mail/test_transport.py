"""One SMTP connection: kept while it works, opened anew where it died, never trusted after a refusal."""

import smtplib
import socket
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from threading import Thread

import pytest

from campaign.mail.transport import Transport
from tests.ports import free_port


def message(to="ada@example.org"):
    written = EmailMessage()
    local, _, domain = to.rpartition("@")
    written["From"], written["To"] = "office@example.org", Address(username=local, domain=domain)
    written["Subject"] = "Greetings"
    written.set_content("Good morning.\n.\n..with dots\n")
    return written


def test_a_message_arrives_as_it_was_written(postbox, transport):
    transport.send(message())

    (arrived,) = postbox.messages
    assert arrived["Subject"] == "Greetings"
    assert arrived.get_content().replace("\r", "") == "Good morning.\n.\n..with dots\n"
    (envelope,) = postbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("office@example.org", ["ada@example.org"])


def test_one_connection_carries_many_messages(postbox, transport):
    for _ in range(3):
        transport.send(message())

    assert (len(postbox.messages), postbox.connections) == (3, 1)


def test_a_connection_that_died_meanwhile_is_opened_anew(postbox, transport):
    transport.send(message())
    transport._connection.sock.shutdown(socket.SHUT_RDWR)

    transport.send(message())

    assert (len(postbox.messages), postbox.connections) == (2, 2)


def test_a_server_that_hangs_up_after_the_message_is_not_sent_it_again_at_once(postbox, transport):
    """It may have taken it: another copy now would be the second, and a third with the next attempt."""
    postbox.at_data = lambda server: server.transport.abort()

    with pytest.raises(OSError, match="closed"):
        transport.send(message())

    assert len(postbox.messages) == 1


def test_after_a_refusal_the_next_message_gets_a_fresh_connection(postbox, transport):
    postbox.at_rcpt = lambda address: (
        "550 5.1.1 No such mailbox" if address.startswith("nobody") else None
    )

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        transport.send(message("nobody@example.org"))
    transport.send(message())

    assert (len(postbox.messages), postbox.connections) == (1, 2)


def test_a_server_that_is_away_raises_and_may_come_back(postbox):
    with (
        Transport(f"smtp://127.0.0.1:{free_port()}") as away,
        pytest.raises(ConnectionRefusedError),
    ):
        away.send(message())


def test_an_address_in_any_script_reaches_a_server_that_can_take_it(postbox, transport):
    transport.send(message("用户@example.org"))

    assert postbox.envelopes[0].rcpt_tos == ["用户@example.org"]
    assert postbox.envelopes[0].smtp_utf8


def test_user_and_password_of_the_url_are_used():
    """A server of ten lines, since aiosmtpd wants TLS before it hears a password."""
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            connection, _ = listening.accept()
            with connection, connection.makefile("rw", newline="\r\n") as stream:
                for answer in ("220 hello", "250-me\r\n250 AUTH PLAIN", "235 welcome"):
                    stream.write(answer + "\r\n")
                    stream.flush()
                    heard.append(stream.readline().strip())
                connection.shutdown(socket.SHUT_RDWR)

        server = Thread(target=serve)
        server.start()
        port = listening.getsockname()[1]
        with suppress(OSError), Transport(f"smtp://user%40a:p%3Aw@127.0.0.1:{port}") as transport:
            transport.send(message())
        server.join(10)

    assert heard[1] == "AUTH PLAIN AHVzZXJAYQBwOnc="  # \0user@a\0p:w


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_a_server_without_tls_gets_nothing_where_tls_was_asked_for(postbox, scheme):
    with Transport(postbox.url.replace("smtp:", f"{scheme}:")) as transport, pytest.raises(OSError):  # noqa: PT011
        transport.send(message())

    assert postbox.messages == []
