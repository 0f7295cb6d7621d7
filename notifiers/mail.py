"""E-mail by SMTP (RFC 5321).

    {"type": "email", "host": "smtp.example.org", "port": 587, "security": "starttls", "user": "anbu",
     "password_file": "/run/routes/smtp", "from": "anbu@example.org", "to": ["team@example.org"]}

The Message-ID is computed from the delivery's id, so a server or reader that drops duplicates drops a repetition.
Answers 4yz are temporary, 5yz permanent. If the server accepts one of several recipients, the delivery is sent.
"""

import hashlib
import logging
import ssl
from email.message import EmailMessage
from email.utils import formatdate, getaddresses, parseaddr
from typing import Any, ClassVar, Final

import aiosmtplib

from models.contract.alerts import Severity
from models.notifications.message import Message
from notifiers.causes import cause
from notifiers.fields import LOOPBACK, Fields, is_host
from notifiers.ports import GiveUpError, RetryError

log = logging.getLogger(__name__)

ANSWER_S: Final = 10.0
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


class Mail:
    """A channel that sends e-mail.

    options: options of aiosmtplib.send.
    """

    longest: ClassVar[int | None] = 100_000

    def __init__(self, sender: str, recipients: list[str], options: dict[str, Any]) -> None:
        self._sender, self._recipients, self._options = sender, recipients, options

    @classmethod
    def build(cls, fields: Fields) -> "Mail":
        host = fields.host("host")
        security = fields.one_of("security", "starttls", tuple(_PORTS))
        if security == "none" and host not in LOOPBACK and not fields.flag("plain"):
            raise fields.wrong("security", 'none sends messages unencrypted: use starttls or tls, or set '
                                           '"plain": true if the network is your own')
        options: dict[str, Any] = {
            "hostname": host, "port": fields.port("port", _PORTS[security]), "timeout": ANSWER_S,
            "use_tls": security == "tls", "start_tls": security == "starttls"}
        if fields.has("ca_file"):
            try:
                options["tls_context"] = ssl.create_default_context(cafile=fields.text("ca_file"))
            except OSError:
                raise fields.wrong("ca_file", "holds no certificates, or cannot be read") from None
        if fields.has("user"):
            options |= {"username": fields.text("user"), "password": fields.secret("password")}
        recipients = fields.texts("to")
        for name, addresses in (("from", [fields.text("from")]), ("to", recipients)):
            if not addresses or not all(map(_is_address, addresses)):
                raise fields.wrong(name, "must be an address such as team@example.org")
        return cls(fields.text("from"), recipients, options)

    async def send(self, message: Message) -> str:
        try:
            refused, answer = await aiosmtplib.send(self._mail(message), **self._options)
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _error(error.recipients[0]) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _error(error) from None
        except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPConnectTimeoutError) as error:
            raise RetryError(f"no server answers: {cause(error)}") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            # The plain SMTPException says in its text what the server lacks: STARTTLS, or a way to log in.
            said = str(error) if type(error) is aiosmtplib.SMTPException else cause(error)
            raise RetryError(f"no complete answer: {said}", unsure=True) from None
        addresses = [address for _, address in getaddresses(self._recipients)]
        lost = [f"recipient {number} of {len(addresses)} is refused: SMTP {refused[address][0]}"
                for number, address in enumerate(addresses, start=1) if address in refused]
        if lost:
            log.error("%s", "; ".join(lost))
        return "; ".join([answer[:200], *lost])

    async def close(self) -> None:
        """Every message has a connection of its own: they are few, and one that idles for hours is cut off anyway."""

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self._sender, ", ".join(self._recipients)
        mail["Subject"] = " ".join(message.title.splitlines())  # a site's name can be any text
        mail["Date"] = formatdate()
        domain = parseaddr(self._sender)[1].rsplit("@", 1)[1]
        mail["Message-ID"] = f"<{hashlib.sha256(message.id.encode()).hexdigest()[:40]}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice answers the message
        if message.severity == Severity.CRITICAL:
            mail["Importance"] = "high"
        mail.set_content("\n".join([*message.lines, *(["", message.link] if message.link else [])]) + "\n")
        return mail


def _is_address(text: str) -> bool:
    """Whether the text is an e-mail address, also with a name before it: Team <team@example.org>.

    The domain may be an address literal, in brackets.
    """
    address = parseaddr(text)[1]
    local, _, domain = address.rpartition("@")
    return text.isprintable() and address in text and local != "" and is_host(domain.removeprefix("[IPv6:").strip("[]"))


def _error(error: Any) -> RetryError | GiveUpError:
    """Return the error of an SMTP answer, without the server's own words, because they repeat addresses."""
    why = f"SMTP {error.code}"
    return RetryError(why) if 400 <= error.code < 500 else GiveUpError(why)
