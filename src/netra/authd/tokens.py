"""Access tokens: signed JWTs that any holder of the published keys can check (RFC 9068), ES256 and nothing else.

It must never read a token with an algorithm that the token chose, and never hold a session: that is the store's.
"""

import json
import secrets
from typing import Any, Final, NamedTuple

from joserfc import jws
from joserfc.errors import JoseError

from netra.authd.accounts import User
from netra.authd.store.keys import ServerKeys, key_id

ALGORITHM: Final = "ES256"
MAX_TOKEN_BYTES: Final = 8 * 1_024

_DOTS: Final = 2
_TYPE: Final = "at+jwt"


class Claims(NamedTuple):
    """What one of our access tokens says, once it was found genuine."""

    sid: str
    jti: str
    user_id: str
    expires_at_s: int
    """Epoch seconds."""


class AccessTokens:
    """Signs and reads access tokens for one issuer and audience."""

    def __init__(self, keys: ServerKeys, issuer: str, audience: str, lifetime_s: int) -> None:
        self.kid = key_id(keys.signing)
        self.lifetime_s = lifetime_s
        self._key = keys.signing
        self._issuer = issuer
        self._audience = audience

    def issue(self, user: User, sid: str, client_id: str, now_s: float) -> str:
        """A fresh token for a session. Source: RFC 9068, section 2."""
        issued_at_s = int(now_s)
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": user.user_id,
            "client_id": client_id,
            "iat": issued_at_s,
            "exp": issued_at_s + self.lifetime_s,
            "jti": secrets.token_urlsafe(16),
            "sid": sid,
            "email": user.email,
        }
        if user.name is not None:
            claims["name"] = user.name
        header = {"alg": ALGORITHM, "typ": _TYPE, "kid": self.kid}
        payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
        return jws.serialize_compact(header, payload, self._key, algorithms=[ALGORITHM])

    def read(self, token: str, now_s: float) -> Claims | str:
        """The claims of a good token, or the `token_*` code of the first check that fails."""
        claims = self._verified(token)
        if isinstance(claims, str):
            return claims
        if claims["iss"] != self._issuer:
            return "token_wrong_issuer"
        if claims["aud"] != self._audience:
            return "token_wrong_audience"
        if claims["exp"] <= now_s:
            return "token_expired"
        return _claims(claims)

    def genuine(self, token: str) -> Claims | str:
        """The claims of a token that this server signed, whatever its age, or why it is none."""
        claims = self._verified(token)
        return claims if isinstance(claims, str) else _claims(claims)

    def jwks(self) -> dict[str, Any]:
        """The public keys. Source: RFC 7517, section 5."""
        public = self._key.as_dict(private=False)
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": ALGORITHM}]}

    def _verified(self, token: str) -> dict[str, Any] | str:
        """The claims behind a signature of ours: once it holds, every claim is as we wrote it."""
        if len(token) > MAX_TOKEN_BYTES or not token.isascii() or token.count(".") != _DOTS:
            return "token_malformed"
        try:
            header = jws.extract_compact(token.encode("ascii")).headers()
            if header.get("alg") != ALGORITHM or header.get("kid") != self.kid:
                return "token_signature_invalid"
            signed = jws.deserialize_compact(token, self._key, algorithms=[ALGORITHM])
        except JoseError as error:
            return "token_signature_invalid" if error.error == "bad_signature" else "token_malformed"
        except (ValueError, TypeError, AttributeError, RecursionError):
            return "token_malformed"
        if header.get("typ") != _TYPE:
            return "token_wrong_type"
        return dict(json.loads(signed.payload))


def _claims(claims: dict[str, Any]) -> Claims:
    return Claims(claims["sid"], claims["jti"], claims["sub"], claims["exp"])
