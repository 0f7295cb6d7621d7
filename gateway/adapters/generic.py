"""The generic JSON adapter, for gateways of one's own.

    POST /v1/sms
    X-Anbu-Timestamp: 1795467845                      seconds since 1970, at most 5 minutes off
    X-Anbu-Signature: sha256=<hex>                    HMAC-SHA256 (RFC 2104) of the secret over timestamp "." body
    {"id": "…", "sender": "+8210…", "recipient": "1666", "text": "W.…"}     or "binary": base64 of an 8-bit SMS
"""

import hashlib
import hmac
from typing import Any, Final

import orjson

from gateway.sms import InboundSms, Refused, Request

TOLERANCE_S: Final = 300
MOST_OCTETS: Final = 128 * 1024


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Anbu-Signature."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def parse(request: Request, secret: str, now: float) -> InboundSms:
    """The SMS of a request. Raises Refused: 401 not authentic, 413 too large, 400 no JSON, 422 a field."""
    if len(request.body) > MOST_OCTETS:
        raise Refused(413, f"the body has {len(request.body)} octets, at most {MOST_OCTETS} are accepted")
    timestamp = request.headers.get("x-anbu-timestamp", "")
    expected = sign(secret, timestamp, request.body)
    if not hmac.compare_digest(expected.encode(), request.headers.get("x-anbu-signature", "").encode()):
        raise Refused(401, "X-Anbu-Signature does not fit the body and X-Anbu-Timestamp; check the secret")
    if not timestamp.isdecimal() or abs(int(timestamp) - now) > TOLERANCE_S:
        raise Refused(401, f"X-Anbu-Timestamp is more than {TOLERANCE_S} s off; check the clock of the sender")
    try:
        document = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise Refused(400, "the body is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise Refused(422, "the body must be an object")
    fields: dict[str, Any] = {name: document.get(name) for name in ("id", "sender", "recipient", "text", "binary")}
    for name, value in fields.items():
        if value is not None and not isinstance(value, str):
            raise Refused(422, f"{name} must be a text")
    if fields["text"] is None and fields["binary"] is None:
        raise Refused(422, "text or binary must be set")
    return InboundSms(**fields)
