"""What a planted mistake is."""

from typing import NamedTuple


class Mutation(NamedTuple):
    """A mistake.

    file: the path from models/judgement/.
    find: a text that is exactly once in the file.
    replace: the text of the mistake.
    harm: the consequence, as a sentence.
    """

    file: str
    find: str
    replace: str
    harm: str
