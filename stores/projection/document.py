"""A document of the database, as the driver gives and takes it: what a field means, its collection says."""

from typing import Any

Document = dict[str, Any]
