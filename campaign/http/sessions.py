"""The public site has no sessions: its pages are cached for everyone, so none may depend on the visitor."""

from collections.abc import Iterator
from typing import NoReturn

from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin


class SessionOpened(RuntimeError):
    """Code of the public site read or wrote a session."""

    def __init__(self) -> None:
        super().__init__("the public site has no sessions; what needs one belongs to the desk")


class _NoSession(SessionMixin):
    """Takes the place of a session, and raises SessionOpened on every use."""

    def __getitem__(self, key: str) -> NoReturn:
        raise SessionOpened

    def __setitem__(self, key: str, value: object) -> NoReturn:
        raise SessionOpened

    def __delitem__(self, key: str) -> NoReturn:
        raise SessionOpened

    def __contains__(self, key: object) -> NoReturn:
        raise SessionOpened

    def __iter__(self) -> Iterator[str]:
        raise SessionOpened

    def __len__(self) -> int:
        raise SessionOpened


class NoSessions(SessionInterface):
    """A session interface that neither reads nor sets a cookie."""

    def open_session(self, app: Flask, request: Request) -> SessionMixin:  # noqa: ARG002 (Flask calls it so)
        return _NoSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        pass
