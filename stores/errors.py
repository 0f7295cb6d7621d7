"""What a failure of the database means for whoever asked: wait and ask again, or give this document up.

The driver's errors are mapped here and nowhere else. Only a document that can never be written is refused; whatever
else goes wrong may be right in a moment, and losing a record is worse than waiting.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from bson.errors import BSONError
from dns.exception import DNSException
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError


class StoreError(Exception):
    """The database did not do what was asked."""


class StoreAwayError(StoreError):
    """It cannot be reached, is busy or overloaded: the same may succeed in a moment."""


class StoreRefusedError(StoreError):
    """It will never take these documents. places: (collection, _id)."""

    def __init__(self, message: str, places: Collection[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.places = frozenset(places)


# Codes of documents that stay wrong: BadValue, FailedToParse, TypeMismatch, Overflow (nested too deep), PathNotViable,
# DollarPrefixedFieldName, EmptyFieldName, DottedFieldName, ImmutableField, DocumentValidationFailure,
# BSONObjectTooLarge, and those of an update that makes them too large.
HOPELESS: Final = frozenset({2, 9, 14, 15, 28, 52, 56, 57, 66, 121, 10334, 17280, 17419, 17420})

_OF_EXPRESSIONS: Final = 12_000  # above it are the errors of an expression that cannot be evaluated
# But for those that pass: of an operation in the background (12586, 12587), a shard's routing (13388), a member of a
# replica set that is not ready (13435, 13436), a disk that is full (14031), a client that was cut off (46841).
_PASSING: Final = frozenset({12586, 12587, 13388, 13435, 13436, 14031, 46841})


def is_hopeless(code: int | None) -> bool:
    return code in HOPELESS or (code is not None and code >= _OF_EXPRESSIONS and code not in _PASSING)


@contextmanager
def mapped() -> Iterator[None]:
    """The driver's errors as ours."""
    try:
        yield
    except (OverflowError, BSONError) as error:
        raise StoreRefusedError(str(error)) from error
    except ConfigurationError as error:
        if isinstance(error.__cause__, DNSException):  # of mongodb+srv://, whose names are asked for when it is used
            raise StoreAwayError(_short(error)) from error
        raise  # a wrong URL is a matter of the settings: nobody should wait for it to mend itself
    except OperationFailure as error:
        if is_hopeless(error.code):
            raise StoreRefusedError(str(error)) from error
        raise StoreAwayError(_short(error)) from error
    except PyMongoError as error:
        raise StoreAwayError(_short(error)) from error


def _short(error: PyMongoError) -> str:
    """The driver's text without the topology that it appends."""
    return f"{type(error).__name__}: {str(error).split(', Timeout:')[0][:200]}"
