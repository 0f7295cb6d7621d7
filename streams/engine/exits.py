"""A worker ends with a status that says whether a restart helps, and with a line that says why."""

import logging
import os
import sys
import threading
import traceback
from typing import Final, NoReturn

from aiokafka.errors import GroupAuthorizationFailedError, InvalidSessionTimeoutError

from runtime.settings import Settings

log = logging.getLogger(__name__)

EXIT_MISCONFIGURED: Final = 2
EXIT_ADDRESS_TAKEN: Final = 3  # the status with which uvicorn ends the gateway and the page
EXIT_SURPRISE: Final = 70  # EX_SOFTWARE: a supervisor starts the process again
LAST_WORDS_S: Final = 5.0


def refuse(why: str, status: int = EXIT_MISCONFIGURED) -> NoReturn:
    """End because a setting is wrong: write one line, and exit with a status after which no restart helps."""
    sys.stderr.write(f"{why}\n")
    sys.stderr.flush()
    os._exit(status)


def die(why: str, error: BaseException | None = None) -> NoReturn:
    """End at once, without acks, commits or clean-up: the broker has all that a restart needs."""
    last_words = threading.Timer(LAST_WORDS_S, os._exit, (EXIT_SURPRISE,))  # writing to a log may block
    last_words.daemon = True
    last_words.start()
    log.critical("exit %d: %s\n%s", EXIT_SURPRISE, why,
                 "".join(traceback.format_exception(error)) if error else "")
    logging.shutdown()
    os._exit(EXIT_SURPRISE)


def kept_out_by(error: Exception, settings: Settings, group: str) -> str | None:
    """A text that names the setting which keeps a worker out of its group; None: the error passes by itself."""
    if isinstance(error, InvalidSessionTimeoutError):
        return (f"ANBU_SESSION_S is {settings.session_s:g}, which the brokers reject: they accept 6 to 1800 by default "
                "(group.min.session.timeout.ms, group.max.session.timeout.ms)")
    if isinstance(error, GroupAuthorizationFailedError):
        return (f"ANBU_KAFKA_SECURITY_USER {settings.kafka_user or '(not set)'} may not read the group "
                f"{group}: allow it in Kafka for groups whose names begin with ANBU_APP_ID")
    return None
