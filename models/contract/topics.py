"""The names of the topics that other programs write and read (docs/contracts.md)."""

from typing import Final

INPUTS: Final = ("sms", "registry", "commands")
OUTPUTS: Final = ("alerts", "reports", "quarantine", "asks")
