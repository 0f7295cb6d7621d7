"""What a lane knows of its questions to devices: the moments to come, and how many were asked (rules 26, 28)."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from models.judgement.agenda import Agenda
from models.judgement.codec import Questions
from models.judgement.person import SentQuestion

COUNTED_FOR: Final = 60 * 60  # so long a question counts (rule 28)


class AskingMoments:
    """The moments to come, and the questions of the last 60 minutes, by gateway. Times are epoch seconds.

    changed: whether a question was added since the owner last set this to False.
    """

    def __init__(self, sent: Questions | None = None) -> None:
        self._due: dict[str, Agenda] = {}
        self._sent = {} if sent is None else sent
        self.changed = False

    def enter(self, gateway: str, subject: int, moment: int | None) -> None:
        """Enter the next moment at which a device of a person may be asked; None: no moment comes."""
        if moment is not None:
            self._due.setdefault(gateway, Agenda()).add(moment, subject)

    def take(self, gateway: str, until: int) -> list[int]:
        """Remove and return the people for whom a moment may have come, in order of their numbers.

        The caller enters the next moment of each person.
        """
        due = self._due.get(gateway)
        return [] if due is None else due.pop(until)

    def sent(self, gateway: str, until: int) -> tuple[SentQuestion, ...]:
        """The questions that a gateway's people were asked in the 60 minutes up to `until`."""
        return tuple(one for one in self._sent.get(gateway, ()) if one.at > until - COUNTED_FOR)

    def put_sent(self, gateway: str, questions: Sequence[SentQuestion]) -> None:
        """Keep the questions of the last 60 minutes of a gateway."""
        self._sent[gateway] = tuple(questions)
        self.changed = True

    def forget(self, subject: int) -> None:
        """Forget whom a question was to, if the person was erased. The question still counts (rule 28)."""
        for gateway, questions in self._sent.items():
            if any(one.subject == subject for one in questions):
                self._sent[gateway] = tuple(replace(one, subject=None) if one.subject == subject else one
                                            for one in questions)
                self.changed = True

    def values(self) -> Questions:
        """By gateway, the questions, as the codec packs them."""
        return self._sent
