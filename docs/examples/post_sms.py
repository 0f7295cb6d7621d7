"""Post an SMS to the gateway, signed, until it is accepted. Needs Python alone.

    ANBU_GATEWAY_SECRET=… python post_sms.py 127.0.0.1:8800 SENDER TEXT
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http.client import HTTPConnection

gateway, sender, text = sys.argv[1:4]
secret = os.environ["ANBU_GATEWAY_SECRET"].encode()
body = json.dumps({"sender": sender, "text": text}).encode()
while True:
    timestamp = str(int(time.time()))
    signature = hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    connection = HTTPConnection(gateway, timeout=15)
    connection.request("POST", "/v1/sms", body, {
        "X-Anbu-Timestamp": timestamp, "X-Anbu-Signature": f"sha256={signature}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status == 202:
        break
    if answer.status != 503:
        sys.exit(f"refused for good: {answer.read().decode()}")
    time.sleep(int(answer.headers["Retry-After"]))
