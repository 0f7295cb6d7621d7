"""A worker that the brokers do not let into its group says which setting is wrong, and ends with status 2."""

from pathlib import Path

import pytest
from support.one_lane import Place
from support.proxy import proxy
from support.secured import ACL_COMMAND, add_user, listener, tool
from support.worker import WorkerProcess

from local.embedded import free_port
from local.kafka import LocalKafka

pytestmark = pytest.mark.timeout(150)


async def last_line(worker: WorkerProcess) -> str:
    with worker:
        worker.start()
        assert await worker.wait_left() == 2
    return worker.log.read_text().splitlines()[-1]


async def test_a_session_that_is_too_short_for_the_broker_ends_the_worker(tmp_path: Path) -> None:
    with LocalKafka(tmp_path, more={"group.min.session.timeout.ms": "6000"}) as kafka:
        said = await last_line(Place(tmp_path, kafka).worker(ANBU_SESSION_S="5"))
    assert "ANBU_SESSION_S is 5, which the brokers reject" in said


async def test_a_user_without_the_right_to_join_the_group_ends_the_worker(tmp_path: Path) -> None:
    outside = free_port()
    more = listener("SASL_PLAINTEXT") | {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS", "allow.everyone.if.no.acl.found": "true"}
    with LocalKafka(tmp_path, outside=[outside], more=more) as kafka, proxy(kafka.outside_ports[0], outside):
        add_user(kafka, "anbu", "hush")
        place = Place(tmp_path, kafka)
        tool(ACL_COMMAND, kafka, "--add", "--allow-principal", "User:somebody", "--operation", "Read",
             "--group", place.app_id)
        said = await last_line(place.worker(
            ANBU_KAFKA=f"127.0.0.1:{outside}", ANBU_KAFKA_SECURITY="SASL_PLAINTEXT", ANBU_KAFKA_SECURITY_USER="anbu",
            ANBU_KAFKA_SECURITY_PASSWORD="hush"))
    assert f"ANBU_KAFKA_SECURITY_USER anbu may not read the group {place.app_id}:" in said
