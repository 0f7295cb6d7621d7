"""The same work in plain Faust: one event at a time, people in a table, outputs sent to topics.

    python -m bench.children.plain_faust TOPIC COUNT

The program prints `open` once the table is recovered; with COUNT 0 it then ends. Time runs from the first event to the
last, whether or not the last writes are durable then: Faust does not wait for them. Faust was seen to stop before the
last event. In that case the program ends after IDLE_S seconds, and reports how many outputs it had.
"""

import gc
import os
import sys
import time
from typing import Any

import faust

from bench.children.answer import answer, line
from models.contract.inputs import Record, Tick
from models.contract.outputs import encode
from models.contract.records import read_sms
from models.errors import Rejected
from models.judgement import codec
from models.judgement.events import Arrived
from models.judgement.receive import receive
from models.judgement.step import step
from models.wire.frame import find_frame, read_header
from runtime.keks import key_ring
from runtime.settings import Settings

IDLE_S = 5.0
gc.set_threshold(50_000, 20, 100)  # as in `streams.app`, so that the garbage collector makes no difference
settings = Settings.from_env(os.environ)
keys = key_ring(settings)
app = faust.App(settings.app_id, broker=[f"kafka://{one}" for one in settings.kafka.split(",")], store="memory://",
                topic_partitions=settings.partitions, topic_replication_factor=settings.replication,
                broker_session_timeout=6, broker_heartbeat_interval=1, broker_rebalance_timeout=6, web_enabled=False,
                stream_recovery_delay=0.0, value_serializer="raw", key_serializer="raw")
sms_topic = app.topic(sys.argv[1], key_type=bytes, value_type=bytes, value_serializer="raw", key_serializer="raw")
outputs = {name: app.topic(name, key_type=bytes, value_type=bytes, value_serializer="raw", key_serializer="raw")
           for name in ("reports", "alerts", "quarantine")}
people = app.Table("people", key_type=bytes, value_type=bytes, partitions=settings.partitions)
count = 0
times: dict[str, float] = {}
last: dict[str, float] = {}  # of the last event: its time, and the figures until then


@app.on_partitions_assigned.connect
async def assigned(*_: Any, **__: Any) -> None:
    times.setdefault("assigned", time.monotonic())


@people.on_recover
async def recovered() -> None:
    if "opened" not in times and "assigned" in times:
        times["opened"] = time.monotonic() - times["assigned"]
        line("open")
        if not count:
            end(0.0, 0, 0.0)


@app.agent(sms_topic, concurrency=1)
async def watch(stream: Any) -> None:
    seen = said = 0
    began = cpu = 0.0
    async for event in stream.events():
        began, cpu = began or time.monotonic(), cpu or time.process_time()
        outputs_of_it = await judge(event)
        said += outputs_of_it
        seen += outputs_of_it > 0  # events that Faust fetched before its table was ready come again
        last.update(at=time.monotonic(), seconds=time.monotonic() - began, said=said, cpu_s=time.process_time() - cpu)
        if seen == count:
            end(last["seconds"], said, last["cpu_s"])


@app.timer(1.0)
async def nothing_comes() -> None:
    if last and time.monotonic() - last["at"] > IDLE_S:
        end(last["seconds"], int(last["said"]), last["cpu_s"])


async def judge(event: Any) -> int:
    """Judge one report and send its outputs. Returns the number of outputs."""
    sms = read_sms(event.value)
    assert not isinstance(sms, Tick)  # noqa: S101 - none is sent
    frame = find_frame(sms.text, sms.binary)
    if isinstance(frame, Rejected):
        return 0
    header = read_header(frame)
    person = codec.unpack_person(people[event.key], header.subject)
    received = receive(header, frame, person, keys)
    if isinstance(received, Rejected):
        return 0
    after, effects = step(person, Arrived(received, sms.received_at, sms.id, sms.gateway))
    record = Record("sms", event.message.partition, event.message.offset, event.key, event.value)
    for effect in effects:
        output = encode(effect, record, sms.received_at)
        await outputs[output.topic].send(key=output.key, value=output.value)
    people[event.key] = codec.pack_person(after)
    return len(effects)


def end(seconds: float, said: int, cpu_s: float) -> None:
    answer(seconds=seconds, cpu_s=cpu_s, opened_s=times.get("opened"), people=len(people), outputs=said)
    os._exit(0)


if __name__ == "__main__":
    count = int(sys.argv[2])
    sys.argv = ["bench", "worker", "-l", "info", "--without-web"]
    app.main()
