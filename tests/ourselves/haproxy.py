"""A real HAProxy in front of several gateways, configured as docs/deploying.md says.

It must never outlive its test, nor write outside the folder it is given.
"""

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from tests.support.places import free_port, listening

FOUND: Final = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs/deploying.md"
_SERVER: Final = re.compile(r"^  server .*\n", re.MULTILINE)


def configuration(port: int, ports: Sequence[int]) -> str:
    """What the document says, for this machine and impatient people: its checks are ten times as frequent."""
    told = _DOCUMENT.read_text("utf-8").partition("```haproxy\n")[2].partition("```")[0]
    servers = "".join(f"  server gateway{number} 127.0.0.1:{each}\n" for number, each in enumerate(ports))
    ours = _SERVER.sub("", told).replace(" bind :8080", f" bind 127.0.0.1:{port}").replace("inter 1s", "inter 100ms")
    assert ours.count(f"127.0.0.1:{port}") == ours.count("100ms") == 1
    return ours + servers


@contextlib.asynccontextmanager
async def haproxy(folder: Path, ports: Sequence[int]) -> AsyncIterator[str]:
    """Balances over the gateways at these ports; yields its URL once it serves."""
    assert FOUND is not None
    port = free_port()
    (folder / "haproxy.cfg").write_text(configuration(port, ports))
    process = await asyncio.create_subprocess_exec(
        FOUND, "-db", "-f", str(folder / "haproxy.cfg"), stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()
