"""The published examples of signed tokens, as they stand in the standards: keys, tokens, and what was signed.

It must never hold an example of ours: whoever checks signatures with these agrees with everybody else.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

_JOE: Final = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
"""RFC 7515, appendix A.1: the claims that most of its examples sign."""
_FRODO: Final = (
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9h"
    "ZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3"
    "ZXB0IG9mZiB0by4"
)
"""RFC 7520, section 4: a text, and no claims."""
_MODULUS_7515: Final = (
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SF"
    "d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo"
    "7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM"
    "Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ"
)
_SIGNATURE_A2: Final = (
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdb"
    "F9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383"
    "LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWy"
    "wlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)
_SIGNATURE_A4: Final = (
    "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgo"
    "XD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
)
_MODULUS_7520: Final = (
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKr"
    "Kb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5l"
    "FHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__"
    "kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"
)
_SIGNATURE_4_1: Final = (
    "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB"
    "-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxn"
    "t8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcI"
    "e8u9ipH84ogoree7vjbU5y18kDquDg"
)
_SIGNATURE_4_2: Final = (
    "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6"
    "_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3"
    "lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6G"
    "YmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw"
)
_SIGNATURE_4_3: Final = (
    "AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDy"
    "YjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2"
)
_HEADER_4_4: Final = "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9"
_BILBO: Final = "bilbo.baggins@hobbiton.example"
_RSA_7520: Final = {"kty": "RSA", "kid": _BILBO, "use": "sig", "n": _MODULUS_7520, "e": "AQAB"}
_EC_7520: Final = {
    "kty": "EC",
    "kid": _BILBO,
    "use": "sig",
    "crv": "P-521",
    "x": "AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt",
    "y": "AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1",
}

PRIVATE_KEY: Final[Mapping[str, Any]] = {
    **_EC_7520,
    "d": "AAhRON2r9cqXX1hg-RoI6R1tX5p2rUAYdmpHZoC1XNM56KtscrX6zbKipQrCW9CGZH3T4ubpnoTKLDYJ_fF3_rJt",
}
"""RFC 7520, section 3.2."""
SYMMETRIC_KEY: Final[Mapping[str, Any]] = {
    "kty": "oct",
    "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
}
"""RFC 7515, appendix A.1."""


class Example(NamedTuple):
    """A token that its key has signed."""

    key: Mapping[str, Any]
    token: str
    payload: bytes


_CLAIMS: Final = b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
_TEXT: Final = (
    "It\u2019s a dangerous business, Frodo, going out your door. You step onto the road, and if you don't keep your "
    "feet, there\u2019s no knowing where you might be swept off to."
).encode()

GOOD: Final[Mapping[str, Example]] = {
    "RFC 7515 A.2 RS256": Example(
        {"kty": "RSA", "n": _MODULUS_7515, "e": "AQAB"}, f"eyJhbGciOiJSUzI1NiJ9.{_JOE}.{_SIGNATURE_A2}", _CLAIMS
    ),
    "RFC 7515 A.3 ES256": Example(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        f"eyJhbGciOiJFUzI1NiJ9.{_JOE}."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        _CLAIMS,
    ),
    "RFC 7515 A.4 ES512": Example(
        {
            "kty": "EC",
            "crv": "P-521",
            "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
            "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
        },
        f"eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.{_SIGNATURE_A4}",
        b"Payload",
    ),
    "RFC 8037 A.4 EdDSA": Example(
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        b"Example of Ed25519 signing",
    ),
    "RFC 7520 4.1 RS256": Example(
        _RSA_7520,
        f"eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{_FRODO}.{_SIGNATURE_4_1}",
        _TEXT,
    ),
    "RFC 7520 4.2 PS384": Example(
        _RSA_7520,
        f"eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{_FRODO}.{_SIGNATURE_4_2}",
        _TEXT,
    ),
    "RFC 7520 4.3 ES512": Example(
        _EC_7520,
        f"eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{_FRODO}.{_SIGNATURE_4_3}",
        _TEXT,
    ),
}
"""By where it stands."""

REFUSED: Final[Mapping[str, tuple[str, str]]] = {
    "RFC 7515 A.1 and RFC 7519 3.1 HS256": (
        f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{_JOE}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        "token_signature_invalid",
    ),
    "RFC 7515 A.5 and RFC 7519 6.1 none": (f"eyJhbGciOiJub25lIn0.{_JOE}.", "token_malformed"),
    "RFC 7520 4.4 HS256": (
        f"{_HEADER_4_4}.{_FRODO}.s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
        "token_signature_invalid",
    ),
    "RFC 7520 4.5 detached": (
        f"{_HEADER_4_4}..s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
        "token_malformed",
    ),
}
"""Genuine too, and refused for their form or their algorithm, before any key is looked at."""
