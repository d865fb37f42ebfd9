"""Until when a certificate of our own is good: read without a library, by showing it to ourselves.

It must never open a connection: both ends of its handshake are in memory.
"""

import ssl
from datetime import UTC, datetime
from typing import Final

_ANY_TIME: Final = 0x20_0000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for."""
_MOST_ROUNDS: Final = 10


def own_expiry(cert_file: str, key_file: str) -> datetime | None:
    """When the client certificate of a file expires, aware UTC; None for one that cannot be shown.

    The standard library describes only certificates that it was shown in a handshake and trusts: so this one is shown
    to a server of ours that trusts nothing else.
    """
    try:
        return _seen(cert_file, key_file)
    except (OSError, ValueError, OverflowError):
        return None


def _seen(cert_file: str, key_file: str) -> datetime | None:
    """Raises: OSError, also of OpenSSL; ValueError."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert_file, key_file, password=_nobody_to_ask)
    server.verify_mode = ssl.CERT_REQUIRED
    server.verify_flags = ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VerifyFlags(_ANY_TIME)
    server.load_verify_locations(cert_file)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.load_cert_chain(cert_file, key_file, password=_nobody_to_ask)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (client.wrap_bio(to_client, to_server), server.wrap_bio(to_server, to_client, server_side=True))
    for _ in range(_MOST_ROUNDS):
        under_way = [_goes_on(end) for end in ends]  # both ends step, also when the first has more to come
        if not any(under_way):
            break
    expires = (ends[1].getpeercert() or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(expires), UTC) if isinstance(expires, str) else None


def _goes_on(end: ssl.SSLObject) -> bool:
    """Take one step of a handshake; is there more to come?"""
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return True
    return False


def _nobody_to_ask() -> str:
    """What OpenSSL calls for a key that is encrypted."""
    raise ValueError
