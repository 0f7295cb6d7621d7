"""Be told of alerts. Needs aiokafka alone. A record may come again: go by `alert` and `revision`."""

import asyncio
import json
import sys

from aiokafka import AIOKafkaConsumer


async def main(broker: str) -> None:
    newest: dict[str, int] = {}
    async with AIOKafkaConsumer("alerts", bootstrap_servers=broker, auto_offset_reset="earliest") as consumer:
        async for record in consumer:
            data = json.loads(record.value)["data"]
            name = f"{data['alert']}/{data.get('lane')}"
            if data["revision"] > newest.get(name, 0):
                newest[name] = data["revision"]
                print(data["alert"], data["revision"], data["change"], data["why"]["en"], flush=True)


asyncio.run(main(sys.argv[1]))
