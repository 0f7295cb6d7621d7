"""A JSON object as Python values: what a field means, the contract of its topic or its interface says.

JsonObject: an object that its owner may change.
JsonView: an object that is only read; it may also be a document of the database.
"""

from collections.abc import Mapping
from typing import Any

JsonObject = dict[str, Any]
JsonView = Mapping[str, Any]
