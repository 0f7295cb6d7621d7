"""The connection to MongoDB. The driver's client is made here alone, so that another driver is a change of this file.

Motor reached its end of life in May 2026; PyMongo's AsyncMongoClient has the same methods and is what replaces it.
"""

import warnings
from typing import Any, Final

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import ConfigurationError

Document = dict[str, Any]
Database = AsyncIOMotorDatabase[Document]

DEFAULT_NAME: Final = "anbu"
SELECTION_MS: Final = 3_000   # how long an operation waits for a server before it says that none is there
SOCKET_MS: Final = 10_000     # a server that is frozen must not freeze us: what timed out is done again


class Connection:
    """One client. url: mongodb://host:port/name. Raises ValueError with what is wrong with it. socket_ms: how long a
    single answer may take.

    What is acknowledged is on the disks of a majority: the consumer's position moves after it. What is read decides
    what is written, so it comes from the primary, whatever the URL prefers.
    """

    def __init__(self, url: str, socket_ms: int = SOCKET_MS) -> None:
        if not url.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("a URL such as mongodb://host:27017/anbu is needed")
        try:
            with warnings.catch_warnings():
                # The driver only warns of a wrong value and goes on without it: with `tls=yes` in the clear.
                warnings.simplefilter("error", UserWarning)
                warnings.filterwarnings("default", "Unknown option")
                self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
                    url, serverSelectionTimeoutMS=SELECTION_MS, connectTimeoutMS=SELECTION_MS,
                    socketTimeoutMS=socket_ms, tz_aware=True)
        except (ConfigurationError, OSError, UserWarning) as error:  # OSError: a file that it names
            raise ValueError(str(error)) from None
        self.database: Database = self._client.get_default_database(
            DEFAULT_NAME, read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority", j=True))

    def close(self) -> None:
        self._client.close()
