"""The two base classes of immutable values. Such values are made, compared and hashed in C.

The garbage collector does not track them: a value refers only to values that existed before it, so no cycles exist.
"""

import msgspec


class Value(msgspec.Struct, frozen=True, gc=False):
    """A value that lives as long as one record is processed: inputs, events, effects."""


class Stored(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A part of the state in the changelog, written by position: a new field is only appended, with a default."""
