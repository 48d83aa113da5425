"""The worker needs a mail server, too."""

from tests.mail.conftest import postbox

__all__ = ["postbox"]
