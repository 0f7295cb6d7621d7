"""The times of one gateway, as a lane knows them."""

from typing import Final

import msgspec

ALLOWANCE: Final = 60  # seconds of a clock tick, where no gateway tick tells what was accepted (rule 21)


class GatewayTime(msgspec.Struct, array_like=True, gc=False):
    """Times in epoch seconds; only the lane moves them forward.

    ticked: the last tick of the gateway; None: it never ticked here.
    judged: the time up to which its people are judged; None: no time yet.
    first: the first value of `judged`; this time judged no window, except for people from another gateway (rule 2).
    """

    ticked: int | None
    judged: int | None
    first: int | None
