"""A real SMTP server (aiosmtpd) on a free port, that refuses what it is told to, and keeps what it accepts."""

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from local.embedded import free_port


class Mailbox:
    """replies: what the next messages are answered instead of being accepted. login: the only one that is let in."""

    def __init__(self, *replies: str, login: tuple[str, str] | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.replies, self.unknown = list(replies), set[str]()
        self._login = login
        self.port = free_port()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str,
                          _options: Any) -> str:
        if address in self.unknown:
            return "550 5.1.1 nobody has this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        if self.replies:
            return self.replies.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK queued"

    def authenticated(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        return AuthResult(success=(given.login.decode(), given.password.decode()) == self._login, handled=False)


@contextmanager
def running_mailbox(mailbox: Mailbox) -> Iterator[Mailbox]:
    """Serve until the block ends."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, authenticator=mailbox.authenticated,
                            auth_require_tls=False)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()
