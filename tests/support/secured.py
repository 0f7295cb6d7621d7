"""An Apache Kafka whose listener `outside` asks for a login. The other listeners stay open for its own tools."""

import subprocess
from typing import Final

from local.kafka import LocalKafka, jars

CONFIG_COMMAND: Final = "kafka.admin.ConfigCommand"
ACL_COMMAND: Final = "org.apache.kafka.tools.AclCommand"


def listener(protocol: str) -> dict[str, str]:
    """Properties of the broker."""
    return {"listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:{protocol}",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.outside.scram-sha-512.sasl.jaas.config":
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"}


def tool(name: str, kafka: LocalKafka, *arguments: str) -> None:
    command = ["java", "-cp", f"{jars()}/*", name, "--bootstrap-server", kafka.address, *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def add_user(kafka: LocalKafka, name: str, password: str) -> None:
    tool(CONFIG_COMMAND, kafka, "--alter", "--entity-type", "users", "--entity-name", name,
         "--add-config", f"SCRAM-SHA-512=[password={password}]")
