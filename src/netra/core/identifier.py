"""Who somebody says they are: the kinds of identifiers, and the one spelling that stands for all of one's own.

It must never judge whether an identifier exists, nor be used for what is sent: that goes on as it was typed.
"""

import re
from typing import Final, Literal
from unicodedata import normalize

Kind = Literal["email", "username", "phone", "any"]

_PHONE: Final = re.compile(r"[+(]{0,2}[0-9][0-9 ()./-]*")
_NO_DIGITS: Final = re.compile(r"[^0-9]")


def normalised(identifier: str, kind: Kind) -> str:
    """The key by which limits and logs know somebody: the same for every usual spelling of one identifier.

    Letters are folded, also where an auth service tells them apart: two that share a limit are safe, one with two is
    not. A telephone number is its digits, an international prefix `00` written as `+`. Source: ITU-T E.123.
    """
    spelled = identifier.strip()
    if kind in ("phone", "any") and _PHONE.fullmatch(spelled):
        digits = _NO_DIGITS.sub("", spelled)
        abroad = "+" in spelled or digits.startswith("00")
        return f"+{digits.removeprefix('00') if '+' not in spelled else digits}" if abroad else digits
    # Folding takes letters apart: only what is put together again folds to itself.
    return normalize("NFC", normalize("NFC", spelled).casefold())
