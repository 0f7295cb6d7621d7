"""A step that cannot go on writes one line that says what to do, and ends with status 1."""


class ReleaseError(RuntimeError):
    """A step cannot go on. The text is for the reader of the job's log, and for Slack."""


class UnknownStateError(ReleaseError):
    """The same, and it is not known what runs now: an operator has to look."""
