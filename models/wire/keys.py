"""Keys: one message key for each (subject, slot, epoch), derived from a device key that is stored wrapped.

HKDF-SHA256 (RFC 5869) derives the message key. AES-256-GCM wraps the device key under a key-encryption key.
"""

from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models.profile import WRAPPED_OCTETS, RegisteredDevice
from models.wire.frame import TAG_OCTETS

DEVICE_KEY_OCTETS: Final = 16
KEK_OCTETS: Final = 32


def _binding(label: bytes, subject: int, slot: int, epoch: int) -> bytes:
    return label + subject.to_bytes(4) + slot.to_bytes(1) + epoch.to_bytes(3)


def message_key(device_key: bytes, subject: int, slot: int, epoch: int) -> bytes:
    """The 16 octets with which a device seals its frames of one epoch."""
    return HKDF(SHA256(), 16, None, _binding(b"anbu wire 1", subject, slot, epoch)).derive(device_key)


def wrap(kek: bytes, nonce: bytes, device_key: bytes, subject: int, slot: int, epoch: int) -> bytes:
    """nonce (12) ‖ encrypted key (16) ‖ tag (16). A nonce must never be used twice with one key-encryption key."""
    return nonce + AESGCM(kek).encrypt(nonce, device_key, _binding(b"anbu key 1", subject, slot, epoch))


def unwrap(kek: bytes, wrapped: bytes, subject: int, slot: int, epoch: int) -> bytes | None:
    """The device key; None: it was not wrapped by this key for this subject, slot and epoch."""
    if len(wrapped) != WRAPPED_OCTETS:
        return None
    try:
        return AESGCM(kek).decrypt(wrapped[:12], wrapped[12:], _binding(b"anbu key 1", subject, slot, epoch))
    except InvalidTag:
        return None


def parse_keks(document: bytes) -> dict[str, bytes]:
    """Key-encryption keys by name from a JSON file {"k1": "base64 of 32 octets"}. Raises ValueError with the defect."""
    try:
        names = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise ValueError("is not valid JSON") from None
    if not isinstance(names, dict) or not names:
        raise ValueError('must be an object such as {"k1": "base64 of 32 octets"}')
    keks = {}
    for name, text in names.items():
        try:
            keks[name] = b64decode(text, validate=True)
        except (ValueError, TypeError):
            raise ValueError(f"the key {name} is not valid base64") from None
        if len(keks[name]) != KEK_OCTETS:
            raise ValueError(f"the key {name} has {len(keks[name])} octets, {KEK_OCTETS} are needed")
    return keks


class KeyRing:
    """The `size` most recently used ciphers, ready for use: a key is derived once, not for each message."""

    def __init__(self, keks: Mapping[str, bytes], size: int = 65_536) -> None:
        self._keks = dict(keks)
        self._cipher = lru_cache(size)(self._derived)

    def cipher(self, subject: int, device: RegisteredDevice) -> AESCCM | None:
        """The cipher of a device's frames; None: the key-encryption key is unknown, or the key does not unwrap."""
        return self._cipher(subject, device)

    def _derived(self, subject: int, device: RegisteredDevice) -> AESCCM | None:
        kek, (slot, epoch) = self._keks.get(device.kek), (device.slot, device.epoch)
        device_key = None if kek is None else unwrap(kek, device.key, subject, slot, epoch)
        if device_key is None:
            return None
        return AESCCM(message_key(device_key, subject, slot, epoch), tag_length=TAG_OCTETS)
