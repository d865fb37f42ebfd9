"""The server's own keys, in a folder beside the database: who copies the database alone can forge nothing.

They must never be written into the database, and never be replaced once made: tokens and verdicts hang on them.
"""

import hmac
import os
import secrets
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from netra.authd import CannotStart
from netra.core.findings import Finding, Severity

SIGNING_FILE: Final = "signing.pem"
MAC_FILE: Final = "mac.key"

_MAC_BYTES: Final = 32


class ServerKeys(NamedTuple):
    """What the server signs with, and the root of what it hashes with."""

    signing: ECKey
    """P-256, with its key id."""
    root: bytes

    def derived(self, purpose: str) -> bytes:
        """A key for one purpose alone, 32 bytes."""
        return hmac.digest(self.root, b"netra-authd:" + purpose.encode("ascii"), "sha256")

    def __repr__(self) -> str:
        return f"ServerKeys(kid={self.signing.kid})"


def key_id(key: ECKey) -> str:
    """The thumbprint of the public key: the same key always has the same id. Source: RFC 7638."""
    return key.thumbprint()


def load_or_create(database: Path) -> ServerKeys:
    """The keys of a database, made at the first start.

    Raises: CannotStart when they exist but cannot be used; they are never replaced silently.
    """
    folder = database.with_name(database.name + ".keys")
    try:
        if not folder.exists():
            _create(folder)
        signing = ECKey.import_key((folder / SIGNING_FILE).read_bytes())
        root = (folder / MAC_FILE).read_bytes()
    except OSError as error:
        raise _unusable(folder, error.strerror or "unreadable") from error
    except (JoseError, ValueError) as error:
        raise _unusable(folder, f"{SIGNING_FILE} holds no P-256 key") from error
    if not signing.is_private or signing.curve_name != "P-256":
        raise _unusable(folder, f"{SIGNING_FILE} holds no private P-256 key")
    if len(root) != _MAC_BYTES:
        raise _unusable(folder, f"{MAC_FILE} is not {_MAC_BYTES} bytes long")
    return ServerKeys(signing, root)


def _create(folder: Path) -> None:
    """Make all keys or none: they are written elsewhere and appear under their name at once, complete."""
    draft = folder.with_name(f"{folder.name}.{secrets.token_hex(8)}")
    draft.mkdir(mode=0o700)
    try:
        _write(draft / SIGNING_FILE, ECKey.generate_key("P-256").as_pem(private=True))
        _write(draft / MAC_FILE, secrets.token_bytes(_MAC_BYTES))
        try:
            draft.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _unusable(folder: Path, reason: str) -> CannotStart:
    return CannotStart(
        Finding(
            Severity.ERROR,
            "server_keys_unusable",
            str(folder),
            f"the server keys cannot be used ({reason})",
            "no token can be signed or checked",
            "Restore the folder from a backup, or remove it: new keys are then made and every user logs in again.",
        )
    )
