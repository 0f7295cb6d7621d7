"""Only this file creates the driver's client, so another driver means a change of this file alone.

Motor reached its end of life in May 2026. PyMongo's AsyncMongoClient replaces it and has the same methods.
"""

import warnings
from typing import Final

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import ConfigurationError

from stores.projection.document import Document

Database = AsyncIOMotorDatabase[Document]
DriverCollection = AsyncIOMotorCollection[Document]

DEFAULT_NAME: Final = "anbu"
SELECTION_MS: Final = 3_000   # an operation waits so long for a server, then it fails
SOCKET_MS: Final = 10_000     # a frozen server must not freeze the process; a timed-out operation is retried


class Connection:
    """One client of the database. Raises ValueError with the fault of the URL.

    url: mongodb://host:port/name.
    socket_ms: the timeout of a single answer, milliseconds.

    An acknowledged write is on the disks of a majority; the consumer's position moves only after it. Reads decide about
    writes, so reads go to the primary, even if the URL prefers another member.
    """

    def __init__(self, url: str, socket_ms: int = SOCKET_MS) -> None:
        if not url.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("a URL such as mongodb://host:27017/anbu is needed")
        try:
            with warnings.catch_warnings():
                # The driver only warns of a wrong value and ignores it: `tls=yes` would give a connection without TLS.
                warnings.simplefilter("error", UserWarning)
                warnings.filterwarnings("default", "Unknown option")
                self._client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
                    url, serverSelectionTimeoutMS=SELECTION_MS, connectTimeoutMS=SELECTION_MS,
                    socketTimeoutMS=socket_ms, tz_aware=True)
        except (ConfigurationError, OSError, UserWarning) as error:  # OSError: a file that the URL names
            raise ValueError(str(error)) from None
        self.database: Database = self._client.get_default_database(
            DEFAULT_NAME, read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority", j=True))

    def close(self) -> None:
        self._client.close()
