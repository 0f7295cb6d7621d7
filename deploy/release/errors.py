"""What a step says when it cannot go on: one line that says what to do, and status 1."""


class ReleaseError(RuntimeError):
    """The text is for the one who reads the log of the job, and for Slack."""


class UnknownStateError(ReleaseError):
    """The same, and nobody knows what runs now: somebody has to look."""
