"""`anbu doctor` says which rights the user of the database lacks: a worker without them would wait for ever."""

from pathlib import Path

import pytest
from pymongo import MongoClient

from cli.doctor import examine
from local.embedded import ChildService, free_port
from local.mongodb import initiate, missing, mongod_command
from runtime.settings import Settings


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
async def test_a_database_user_without_the_right_to_prepare_is_reported(tmp_path: Path) -> None:
    """The server runs without --auth. It still reports the rights of a user, and does not enforce them."""
    port = free_port()
    roles = {"few": ["readWrite"], "enough": ["readWrite", "dbAdmin"], "owner": ["dbOwner"], "": []}
    states = {}
    with ChildService(mongod_command(tmp_path / "data", port), port, tmp_path / "log") as service:
        initiate(service.address)
        with MongoClient[dict[str, object]](f"mongodb://{service.address}/?directConnection=true") as client:
            for name, given in roles.items():
                if name:
                    client["anbu"].command("createUser", name, pwd="hush", roles=given)
        for name in roles:
            url = f"mongodb://{name}:hush@{service.address}/anbu" if name else f"mongodb://{service.address}/anbu"
            findings = await examine(Settings.from_env({"ANBU_MONGODB": url, "ANBU_KAFKA": f"127.0.0.1:{free_port()}"}))
            (found,) = [one for one in findings if one.check == "database"]
            states[name] = found.state
            assert ("may not collMod in anbu" in found.detail) is (found.state == "error")
    assert states == {"few": "error", "enough": "ok", "owner": "ok", "": "ok"}
