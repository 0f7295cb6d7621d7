"""A failure of the database means one of two things: the caller waits and retries, or gives this document up.

Only this file maps the driver's errors. Only a document that can never be written is refused. Every other failure may
pass, and a lost record is worse than a wait.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from bson.errors import BSONError
from dns.exception import DNSException
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError


class StoreError(Exception):
    """The database did not do the operation."""


class StoreAwayError(StoreError):
    """The database cannot be reached, is busy or overloaded: the same operation may succeed in a moment."""


class StoreRefusedError(StoreError):
    """The database will never take these documents.

    places: (collection, _id) of each; empty if the error names none.
    """

    def __init__(self, message: str, places: Collection[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.places = frozenset(places)


# Codes of documents that stay wrong: BadValue, FailedToParse, TypeMismatch, Overflow (nested too deep), PathNotViable,
# DollarPrefixedFieldName, EmptyFieldName, DottedFieldName, ImmutableField, DocumentValidationFailure,
# BSONObjectTooLarge, and those of an update that makes them too large.
HOPELESS: Final = frozenset({2, 9, 14, 15, 28, 52, 56, 57, 66, 121, 10334, 17280, 17419, 17420})

_OF_EXPRESSIONS: Final = 12_000  # from here on: errors of an expression that cannot be evaluated
# The exceptions among them are errors that pass: an operation in the background (12586, 12587), a shard's routing
# (13388), a member of a replica set that is not ready (13435, 13436), a full disk (14031), a client that was cut off
# (46841).
_PASSING: Final = frozenset({12586, 12587, 13388, 13435, 13436, 14031, 46841})


def is_hopeless(code: int | None) -> bool:
    return code in HOPELESS or (code is not None and code >= _OF_EXPRESSIONS and code not in _PASSING)


@contextmanager
def mapped() -> Iterator[None]:
    """Raise the driver's errors as StoreAwayError or StoreRefusedError."""
    try:
        yield
    except (OverflowError, BSONError) as error:
        raise StoreRefusedError(str(error)) from error
    except ConfigurationError as error:
        if isinstance(error.__cause__, DNSException):  # a name of mongodb+srv:// is resolved at its first use
            raise StoreAwayError(_short(error)) from error
        raise  # a wrong URL is a fault of the settings, and no wait fixes it
    except OperationFailure as error:
        if is_hopeless(error.code):
            raise StoreRefusedError(str(error)) from error
        raise StoreAwayError(_short(error)) from error
    except PyMongoError as error:
        raise StoreAwayError(_short(error)) from error


def _short(error: PyMongoError) -> str:
    """Return the driver's text without the topology that the driver appends."""
    return f"{type(error).__name__}: {str(error).split(', Timeout:')[0][:200]}"
