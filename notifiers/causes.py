"""The cause of a failed connection is said without addresses, because the page shows it.

The words are for the author of the routes file.
"""

import socket
import ssl


def cause(error: BaseException) -> str:
    """Return the cause of an error of httpx or aiosmtplib, from the system error below it; else its type's name."""
    name, found = type(error).__name__, error
    while True:
        match found:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted: {found.verify_message.partition(',')[0]}"  # without the name
            case ssl.SSLError():
                return f"no TLS at this port: {found.reason}"
            case socket.gaierror():
                return "no such host, or no name service"
            case ConnectionRefusedError():
                return "nothing listens at this port"
            case BaseExceptionGroup():  # a host with several addresses
                below: BaseException | None = found.exceptions[0]
            case _:
                below = found.__cause__ or found.__context__
        if below is None:
            return name
        found = below
