"""The times of one gateway, as a lane knows them."""

from typing import Final

import msgspec

ALLOWANCE: Final = 60  # seconds of a clock tick, where no gateway tick tells what was accepted (rule 21)


class GatewayTime(msgspec.Struct, array_like=True, gc=False):
    """Times in epoch seconds; the lane and its ticks move them forward.

    ticked: the last tick of the gateway; None: it never ticked here.
    judged_until: the time up to which its people are judged; None: no time yet.
    first: the first value of `judged_until`. It judged no window, except for people from another gateway (rule 2).
    """

    ticked: int | None
    judged_until: int | None
    first: int | None
