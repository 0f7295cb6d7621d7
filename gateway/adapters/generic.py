"""The generic JSON adapter, for your own gateways.

    POST /v1/sms
    X-Anbu-Timestamp: 1795467845                      seconds since 1970, at most 5 minutes off
    X-Anbu-Signature: sha256=<hex>                    HMAC-SHA256 (RFC 2104) of the secret over timestamp "." body
    {"id": "…", "sender": "+8210…", "recipient": "1666", "text": "W.…"}     or "binary": base64 of an 8-bit SMS
"""

import hmac
import re
from typing import Final

import orjson

from gateway.sms import InboundSms, Refused, Request
from models.json_object import JsonObject
from models.signature import SIGNATURE, TIMESTAMP, sign

TOLERANCE_S: Final = 300
# The longest SMS, 255 parts of 67 characters of UCS-2, takes 103 kB if each character is written as \uXXXX.
MOST_OCTETS: Final = 128 * 1024
FIELDS: Final = ("id", "sender", "recipient", "text", "binary")
_SECONDS: Final = re.compile(r"\d{1,12}", re.ASCII)

OPENAPI: Final[JsonObject] = {
    "parameters": [
        {"name": TIMESTAMP, "in": "header", "required": True, "schema": {"type": "string", "pattern": r"^\d{1,12}$"},
         "description": f"Time of the request in seconds since 1970, at most {TOLERANCE_S} s off."},
        {"name": SIGNATURE, "in": "header", "required": True,
         "schema": {"type": "string", "pattern": "^sha256=[0-9a-f]{64}$"},
         "description": "`sha256=` and HMAC-SHA256, in hex, of the shared secret over the timestamp, a dot, and the "
                        "octets of the body."}],
    "requestBody": {"required": True, "content": {"application/json": {"schema": {
        "type": "object",
        "properties": {
            "id": {"type": ["string", "null"],
                   "description": "The provider's id of the SMS. Anbu does not use it to recognise repetitions."},
            "sender": {"type": ["string", "null"]},
            "recipient": {"type": ["string", "null"]},
            "text": {"type": ["string", "null"],
                     "description": "The text as it arrived. Carriers may have added to it."},
            "binary": {"type": ["string", "null"], "contentEncoding": "base64",
                       "description": "The octets of an 8-bit SMS."}},
        "anyOf": [{"required": ["text"], "properties": {"text": {"type": "string"}}},
                  {"required": ["binary"], "properties": {"binary": {"type": "string"}}}]}}}},
}


def signed(secret: str, now: float, body: bytes) -> dict[str, str]:
    """Return the headers of a request, for senders to this adapter."""
    timestamp = str(int(now))
    return {TIMESTAMP: timestamp, SIGNATURE: sign(secret, timestamp, body), "Content-Type": "application/json"}


def parse(request: Request, secret: str, now: float) -> InboundSms:
    """Return the SMS of a request. Raises Refused: 401 not authentic, 400 no JSON, 422 a wrong field."""
    timestamp = request.headers.get(TIMESTAMP.lower(), "")
    expected = sign(secret, timestamp, request.body)
    if not hmac.compare_digest(expected.encode(), request.headers.get(SIGNATURE.lower(), "").encode()):
        raise Refused(401, f"{SIGNATURE} does not fit the body and {TIMESTAMP}; check the secret")
    if _SECONDS.fullmatch(timestamp) is None or abs(int(timestamp) - now) > TOLERANCE_S:
        raise Refused(401, f"{TIMESTAMP} is more than {TOLERANCE_S} s off; check the clock of the sender")
    try:
        document = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise Refused(400, "the body is not JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise Refused(422, "the body must be an object")
    fields: JsonObject = {name: document.get(name) for name in FIELDS}
    for name, value in fields.items():
        if value is not None and not isinstance(value, str):
            raise Refused(422, f"{name} must be a text")
    if fields["text"] is None and fields["binary"] is None:
        raise Refused(422, "text or binary must be set")
    return InboundSms(**fields)
