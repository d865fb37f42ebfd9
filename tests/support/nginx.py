"""A real nginx between the gateway and the auth service: for what no written-down answer can show.

It must never outlive its test, nor write outside the folder it is given.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from tests.support.places import free_port, listening

FOUND: Final = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_CONFIGURATION: Final = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass {upstream}; proxy_read_timeout 300ms; proxy_next_upstream off; }}
    location /walled/ {{ return 403; }}
    location /busy/ {{ return 503; }}
  }}
}}
"""


@contextlib.asynccontextmanager
async def nginx(folder: Path, upstream: str) -> AsyncIterator[str]:
    """Serves `upstream` under /, and answers for itself under /walled/ and /busy/; yields its URL."""
    assert FOUND is not None
    port = free_port()
    (folder / "nginx.conf").write_text(_CONFIGURATION.format(folder=folder, port=port, upstream=upstream))
    process = await asyncio.create_subprocess_exec(FOUND, "-c", str(folder / "nginx.conf"), "-p", str(folder))
    try:
        await listening(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()
