"""An auth service as FastAPI's security tutorial builds one: a form in, a JWT out, as a program of its own.

It must never be used for anything but tests: its key is made at each start, its hashes are cheap on purpose.

    python tests/support/fastapi_tutorial.py PORT

Port 0 takes a free one. The line `ready URL` says that it serves.
"""

import secrets
import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, NoReturn

import jwt
import uvicorn
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel

USERNAME: Final = "ada.byron@example.com"
INACTIVE: Final = "grace.hopper@example.com"
"""May log in, and is then refused as inactive, as in the tutorial."""
PASSWORD: Final = "Swordfish-and-chips-42"
FULL_NAME: Final = "Ada Byron"
_LIFETIME: Final = timedelta(minutes=30)
_ALGORITHM: Final = "HS256"
_BEARER: Final = OAuth2PasswordBearer(tokenUrl="token")


class Token(BaseModel):
    """What a login yields."""

    access_token: str
    token_type: str


class User(BaseModel):
    """What may be told of a user."""

    username: str
    email: str | None = None
    full_name: str | None = None
    disabled: bool | None = None


class _Service:
    """The users, their hashes and the key. Made anew at each start."""

    def __init__(self) -> None:
        self._key = secrets.token_hex(32)
        self._hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
        self._users = {
            USERNAME: User(username=USERNAME, email=USERNAME, full_name=FULL_NAME, disabled=False),
            INACTIVE: User(username=INACTIVE, email=INACTIVE, full_name="Grace Hopper", disabled=True),
        }
        self._hash = self._hasher.hash(PASSWORD)

    def knows(self, username: str, password: str) -> bool:
        """Is this the password of a user there is?"""
        try:
            self._hasher.verify(self._hash, password)
        except VerifyMismatchError:
            return False
        return username in self._users

    def token_for(self, username: str) -> str:
        """A signed token that names the user and its own end."""
        return jwt.encode({"sub": username, "exp": datetime.now(UTC) + _LIFETIME}, self._key, algorithm=_ALGORITHM)

    def user_of(self, token: str) -> User | None:
        """The user whom a token names; None for a token that is not ours or is over."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
        except jwt.InvalidTokenError:
            return None
        return self._users.get(str(claims.get("sub")))


def application() -> FastAPI:
    """The app, with its own users and key."""
    service = _Service()
    app = FastAPI()

    def current_user(token: Annotated[str, Depends(_BEARER)]) -> User:
        user = service.user_of(token)
        if user is None:
            raise HTTPException(401, "Could not validate credentials", {"WWW-Authenticate": "Bearer"})
        return user

    def active_user(user: Annotated[User, Depends(current_user)]) -> User:
        if user.disabled:
            raise HTTPException(400, "Inactive user")
        return user

    @app.post("/token")
    def log_in(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> Token:
        if not service.knows(form.username, form.password):
            raise HTTPException(401, "Incorrect username or password", {"WWW-Authenticate": "Bearer"})
        return Token(access_token=service.token_for(form.username), token_type="bearer")

    @app.get("/users/me/")
    def who_is_it(user: Annotated[User, Depends(active_user)]) -> User:
        return user

    return app


def main(port: int) -> NoReturn:
    """Serve on this port of the loopback until a signal ends it."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        server = uvicorn.Server(uvicorn.Config(application(), log_level="warning"))
        # Who connects from now on waits in the queue of the socket.
        sys.stdout.write(f"ready http://127.0.0.1:{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        server.run(sockets=[listener])
    sys.exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
