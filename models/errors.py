"""The reasons for which a record is rejected: a closed set that other programs may rely on."""

from enum import StrEnum

from models.base import Value


class RejectReason(StrEnum):
    """The reasons in the order of the checks (docs/wire-format.md, receiving rule 4)."""

    MALFORMED = "malformed"
    NO_FRAME = "no_frame"
    CORRUPT = "corrupt"
    UNSUPPORTED_VERSION = "unsupported_version"
    UNKNOWN_SUBJECT = "unknown_subject"
    RETIRED = "retired"
    UNKNOWN_DEVICE = "unknown_device"
    BAD_EPOCH = "bad_epoch"
    NOT_AUTHENTIC = "not_authentic"
    BAD_TYPE = "bad_type"
    OUT_OF_RANGE = "out_of_range"


class Rejected(Value, frozen=True):
    """A record or its contents cannot be processed. detail: tells the operator where to look."""

    reason: RejectReason
    detail: str = ""


class ContractError(ValueError):
    """A record breaks the contract; the text is the field's name, or "not JSON" or "not an object"."""
