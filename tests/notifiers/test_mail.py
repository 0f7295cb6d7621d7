"""The e-mail channel against a mail server: the mails that it sends, and the meaning of each failure."""

from pathlib import Path
from typing import Any

import pytest
from support.channels import channel, message
from support.mail import Mailbox, running_mailbox

from local.embedded import free_port
from notifiers.ports import Channel, GiveUpError, RetryError


def mail(mailbox: Mailbox, **fields: Any) -> Channel:
    return channel("email", **{"host": "127.0.0.1", "port": mailbox.port, "security": "none",
                               "from": "Anbu <anbu@example.org>", "to": ["team@example.org", "lead@example.org"],
                               **fields})


async def test_a_mail_has_subject_text_and_headers() -> None:
    with running_mailbox(Mailbox()) as mailbox:
        one = mail(mailbox)
        await one.send(message(severity="critical"))
        await one.send(message())
    first, second = mailbox.mails
    assert first["Subject"] == "[안부 위급] jongno 42번: 보고 없음"
    assert first.get_content().splitlines() == [*message().lines, "", message().link]
    assert (first["Importance"], second["Importance"]) == ("high", None)
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] == second["Message-ID"]  # the same delivery, tried again
    assert mailbox.recipients[0] == ["team@example.org", "lead@example.org"]


async def test_a_line_break_in_a_site_name_is_removed_from_the_subject() -> None:
    with running_mailbox(Mailbox()) as mailbox:
        await mail(mailbox).send(message(site="jongno\n2"))
    assert mailbox.mails[0]["Subject"] == "[안부 주의] jongno 2 42번: 보고 없음"


@pytest.mark.parametrize(("reply", "error"), [
    ("451 4.3.0 try again later", RetryError), ("554 5.7.1 spam", GiveUpError)])
async def test_a_refused_mail_is_retried_or_given_up_by_its_code(reply: str, error: type[Exception]) -> None:
    with running_mailbox(Mailbox(reply)) as mailbox:
        one = mail(mailbox)
        with pytest.raises(error, match=reply[:3]):
            await one.send(message())
        await one.send(message())
    assert len(mailbox.mails) == 1


async def test_a_mail_is_sent_if_one_recipient_is_accepted() -> None:
    with running_mailbox(Mailbox()) as mailbox:
        mailbox.unknown = {"lead@example.org"}
        answer = await mail(mailbox).send(message())
        assert answer.endswith("; recipient 2 of 2 is refused: SMTP 550"), "who tries the channel sees it"
        mailbox.unknown |= {"team@example.org"}
        with pytest.raises(GiveUpError, match="550") as raised:
            await mail(mailbox).send(message())
    assert mailbox.recipients == [["team@example.org"]]
    assert "example.org" not in str(raised.value)


async def test_a_wrong_mail_password_gives_up(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush\n")
    with running_mailbox(Mailbox(login=("anbu", "hush"))) as mailbox:
        await mail(mailbox, user="anbu", password_file=str(secret)).send(message())
        with pytest.raises(GiveUpError, match="535"):
            await mail(mailbox, user="anbu", password="wrong").send(message())
    assert len(mailbox.mails) == 1


async def test_a_mail_server_without_tls_is_retried() -> None:
    with running_mailbox(Mailbox()) as mailbox, pytest.raises(RetryError, match="STARTTLS extension not supported"):
        await mail(mailbox, security="starttls").send(message())


async def test_a_missing_mail_server_is_retried() -> None:
    one = channel("email", host="127.0.0.1", port=free_port(), security="none", to=["a@example.org"],
                  **{"from": "anbu@example.org"})
    with pytest.raises(RetryError) as raised:
        await one.send(message())
    assert (raised.value.unsure, str(raised.value)) == (False, "no server answers: nothing listens at this port")
