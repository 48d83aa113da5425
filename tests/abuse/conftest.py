"""The real server and a real mailbox, as a stranger meets them."""

from tests.mail.conftest import postbox

__all__ = ["postbox"]
