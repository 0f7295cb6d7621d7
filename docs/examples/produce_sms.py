"""Feed Anbu from your own SMS receiver: one record of topic `sms` for each SMS, as it arrived. Needs aiokafka alone.

    python produce_sms.py BROKER SENDER TEXT

Without a key the record lands in any partition; Anbu sends it on to the right one.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer


async def main(broker: str, sender: str, text: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker, acks="all")
    await producer.start()
    sms = {"sender": sender, "text": text, "received_at": datetime.now(UTC).isoformat()}
    await producer.send_and_wait("sms", json.dumps(sms).encode())
    await producer.stop()


asyncio.run(main(*sys.argv[1:4]))
