"""A firmware is a row of data: how a device listens, repeats itself, and says that a person is not awake.

The row `listening` has the duties of a device in docs/wire-format.md. The other rows are devices that keep fewer.
"""

from typing import Final, NamedTuple


class Firmware(NamedTuple):
    """How a device sends and listens.

    listens: whether it says that it can be asked, and answers.
    again_min: minutes after which each report is sent again, the same octets.
    refused_min: waits between the attempts to send a report that the network refuses, minutes.
    asleep_min: minutes after the close, first and last, at which it says `not_awake` of a person who is not up.
    """

    listens: bool = False
    again_min: tuple[int, ...] = ()
    refused_min: tuple[int, ...] = (1, 2, 5, 10, 20, 40)
    asleep_min: tuple[int, int] = (27, 29)


EARLY: Final = (1, 15)  # `not_awake` at once after the close, also of people who get up in the grace
FIRMWARES: Final[dict[str, Firmware]] = {
    "listening": Firmware(listens=True),
    "deaf": Firmware(),
    "repeating": Firmware(again_min=(15,)),
    "early": Firmware(listens=True, asleep_min=EARLY),
    "once": Firmware(refused_min=()),  # sends each report once, also a refused one
}
