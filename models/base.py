"""The two bases of the values that never change after they were made: made, compared and hashed in C.

Neither is tracked by the garbage collector: a value refers only to values that were there before it, so there are no
circles to find.
"""

import msgspec


class Value(msgspec.Struct, frozen=True, gc=False):
    """A value that lives as long as one record is processed: inputs, events, effects."""


class Stored(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A part of the state in the changelog, written by position: fields are only ever appended, with a default."""
