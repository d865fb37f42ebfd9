#!/usr/bin/env python3
"""A backend with users of its own routes: notes that nobody sees but whoever wrote them.

The login comes from the package, the notes are the backend's. It needs FastAPI and an auth service. With the demo's,
in a terminal of its own:

    make demo

Its screen names an e-mail address, a password, and the folder of its files. Make this backend known there, then run it:

    export NETRA_AUTHD_DATABASE_URL=sqlite:////tmp/netra-demo-…/auth-service.db
    export $(.venv/bin/netra services add notes-backend)
    export ENVIRONMENT=development AUTH_SERVICE_URL=http://127.0.0.1:8081
    .venv/bin/python examples/fastapi_backend.py

Then look at http://127.0.0.1:8000/docs, log in there, and try the faults that the demo's screen offers: whoever is in
stays in, and nobody reads that his password is wrong.
"""

import os
from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, Final

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, StringConstraints

from netra.integrations.fastapi import Auth, CurrentUser

MOST_NOTES: Final = 100


class Note(BaseModel):
    """What somebody wants to remember."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=1000)]


def application(environ: Mapping[str, str] | None = None) -> FastAPI:
    """The backend; `environ` holds its settings, the environment when it is not given."""
    auth = Auth(environ)  # nothing is read or opened yet
    app = FastAPI(title="Notes", lifespan=auth.lifespan)
    auth.add_to(app)  # POST /api/v1/auth/login and its kind, with their problems and their description
    notes: defaultdict[str, list[Note]] = defaultdict(list)

    @app.get("/notes")
    async def your_notes(user: CurrentUser) -> list[Note]:
        """The notes of whoever asks."""
        return notes[user.id]

    @app.post("/notes", status_code=201)
    async def write_down(note: Note, user: CurrentUser) -> Note:
        """One more note."""
        if len(notes[user.id]) >= MOST_NOTES:
            raise HTTPException(409, f"You have {MOST_NOTES} notes already.")
        notes[user.id].append(note)
        return note

    return app


app = application()

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
