"""The same first finding as whoever runs the command reads it: in the document, in the text, and as an annotation.

It must never be started with another environment than the set-up says.
"""

import asyncio
import json
from typing import Any

import pytest

from netra.core.findings import Severity
from tests.diagnosis.means import Means
from tests.diagnosis.setup import Environ
from tests.diagnosis.setups import BY_NAME
from tests.support.programs import attempt

CHOSEN = (
    "url-not-set", "certificate-expired", "captive-portal", "process-stopped", "wrong-secret", "refresh-gone",
    "provider-of-another-name", "all-well",
)  # fmt: skip
"""One of each kind; what they differ in is shown in this process."""
FOR_PEOPLE = ("id-with-line-end", "port-closed", "all-well")
MARKS = {Severity.ERROR: "::error ", Severity.WARNING: "::warning "}


async def run(environ: Environ, *options: str) -> tuple[int, str]:
    """Exit code and output of the command, in an environment that is the set-up's and nothing else."""
    done = await asyncio.to_thread(attempt, "doctor", *options, told=environ)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", CHOSEN)
async def test_the_document_names_it_first(name: str, means: Means) -> None:
    setup = BY_NAME[name]
    async with setup.bring(means) as environ:
        code, printed = await run(environ, "--format", "json")
    document: Any = json.loads(printed)
    assert (code, document["ok"]) == ((0, True) if setup.heals else (1, False))
    first = document["first"] or {"code": "", "severity": setup.severity}
    assert (first["code"], first["severity"]) == (setup.code, setup.severity)
    said = " ".join(first.values())
    assert [word for word in setup.names if word not in said] == []


@pytest.mark.parametrize("name", FOR_PEOPLE)
async def test_the_last_line_and_the_annotation_name_it_too(name: str, means: Means) -> None:
    setup = BY_NAME[name]
    async with setup.bring(means) as environ:
        code, text = await run(environ)
        _, annotated = await run(environ, "--format", "github")
    marked = [line for line in annotated.splitlines() if line.startswith(tuple(MARKS.values()))]
    last = text.splitlines()[-1]
    if setup.heals:
        assert (code, marked) == (0, [])
        assert "First" not in last
        return
    assert code == (1 if setup.severity is Severity.ERROR else 0)
    assert "First" in last
    assert [word for word in (setup.code, *setup.names) if word not in last] == []
    assert marked[0].startswith(MARKS[setup.severity])
    assert setup.code in marked[0]
