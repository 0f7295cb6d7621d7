"""The signature of an HTTP request, to the gateway and to a webhook alike: HMAC-SHA256 over a time and the body.

The receiver has the secret too. It rejects a request whose signature does not fit, or whose time is long ago.
"""

import hashlib
import hmac

TIMESTAMP, SIGNATURE = "X-Anbu-Timestamp", "X-Anbu-Signature"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of X-Anbu-Signature. timestamp: the value of X-Anbu-Timestamp, epoch seconds."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
