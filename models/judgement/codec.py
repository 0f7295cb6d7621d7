"""The state as octets: compact, versioned, and the same octets for the same state.

The first octet is the version. MessagePack follows: arrays by position, the fields in the order of their types, and
enumerations by their words. Any change of fields or words is a new version, also an appended field: while workers are
replaced one by one, an older worker would drop a field that it does not know. A state of version 2 has the first fields
of each type, and is read by the same decoders. A state of version 1 begins with the header of an array, an octet of
0x80 or more; `codec_1` reads it.
"""

from typing import Final

from msgspec import msgpack

from models.contract.incidents import Incident
from models.judgement import codec_1
from models.judgement.gateway import GatewayTime
from models.judgement.glance import Glance
from models.judgement.person import Person, SentQuestion

VERSION: Final = 3
_FIRST: Final = bytes([VERSION])
_VERSION_2: Final = 2
_FIRST_OF_VERSION_1: Final = 0x80
Times = tuple[int | None, int | None, dict[str, GatewayTime]]
"""(clock, latest, gateways) of a lane."""
Questions = dict[str, tuple[SentQuestion, ...]]
"""By gateway, the questions of the last 60 minutes."""

_encode: Final = msgpack.Encoder().encode
_decode_person: Final = msgpack.Decoder(Person).decode
_decode_glance: Final = msgpack.Decoder(Glance).decode
_decode_times: Final = msgpack.Decoder(Times).decode
_decode_questions: Final = msgpack.Decoder(Questions).decode
_decode_incidents: Final = msgpack.Decoder(list[Incident]).decode


class UnknownVersion(ValueError):
    """The state was written by a newer program."""


def _is_version_1(packed: bytes) -> bool:
    """Raises UnknownVersion."""
    first = packed[0]
    if first in (VERSION, _VERSION_2):
        return False
    if first >= _FIRST_OF_VERSION_1:
        return True
    raise UnknownVersion(f"the state has version {first}, this program reads up to {VERSION}: deploy a newer one")


def pack_person(person: Person) -> bytes:
    return _FIRST + _encode(person)


def unpack_person(packed: bytes, subject: int) -> Person:
    """subject: the key of the record; a state of version 1 does not repeat it. Raises UnknownVersion."""
    person = codec_1.unpack_person(packed, subject) if _is_version_1(packed) else _decode_person(packed[1:])
    if packed[0] != VERSION and person.newest is not None:
        person.last_heard_at = person.newest.device_time  # older states do not say when the report came
    return person


def glance(packed: bytes, subject: int) -> Glance:
    """Raises UnknownVersion."""
    if _is_version_1(packed):  # may be slow: the next change of the person writes the present version
        packed = pack_person(codec_1.unpack_person(packed, subject))
    return _decode_glance(packed[1:])


def pack_times(times: Times) -> bytes:
    return _FIRST + _encode(times)


def unpack_times(packed: bytes) -> Times:
    """Raises UnknownVersion."""
    return codec_1.unpack_times(packed) if _is_version_1(packed) else _decode_times(packed[1:])


def pack_questions(questions: Questions) -> bytes:
    return _FIRST + _encode(questions)


def unpack_questions(packed: bytes) -> Questions:
    """Raises UnknownVersion."""
    if _is_version_1(packed):
        raise UnknownVersion("a state of version 1 has no questions")
    return _decode_questions(packed[1:])


def pack_incidents(incidents: list[Incident]) -> bytes:
    return _FIRST + _encode(incidents)


def unpack_incidents(packed: bytes) -> list[Incident]:
    """Raises UnknownVersion."""
    return codec_1.unpack_incidents(packed) if _is_version_1(packed) else _decode_incidents(packed[1:])
