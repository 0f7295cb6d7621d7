"""What a lane knows of the time of one gateway."""

from typing import Final

import msgspec

ALLOWANCE: Final = 60  # seconds of a clock tick, where no gateway tick tells what was accepted (rule 21)


class GatewayTime(msgspec.Struct, array_like=True, gc=False):
    """Times in epoch seconds; the lane that owns it moves them forward.

    ticked: its last tick (None: it never ticked here). judged: up to when its people are judged. first: the first such
    time, which judged nobody (rule 2).
    """

    ticked: int | None
    judged: int | None
    first: int | None
