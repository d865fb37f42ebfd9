"""Real proxies in front of a gateway and a backend, each configured by the very file that is shipped for it.

They must never outlive their test, nor write outside the folder they are given.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.support.places import free_port, listening

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
PATIENCE_S: Final = 3
"""How long the proxies wait for the gateway here, instead of 5 s."""

_NGINX: Final = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  include {folder}/site.conf;
}}
"""


class Places(NamedTuple):
    """Who stands where."""

    port: int
    gateway: str
    """Host and port."""
    backend: str
    """Host and port."""


class Kind(NamedTuple):
    """One kind of proxy."""

    program: str
    file: str
    """Below `deploy/`."""
    places: Callable[[Places], Mapping[str, str]]
    """What is changed in the file for this machine: each text must stand there exactly once."""
    arguments: Callable[[Path, str], Sequence[str]]
    """Writes what the program needs into a folder; how it is started then."""

    @property
    def found(self) -> str | None:
        """Its path on this machine."""
        return shutil.which(self.program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

    def configuration(self, places: Places, more: Mapping[str, str]) -> str:
        """The shipped file, for this machine; `more` is what a test changes besides."""
        text = (DEPLOY / self.file).read_text("utf-8")
        for old, new in {**self.places(places), **more}.items():
            assert text.count(old) == 1, f"{self.file} says {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        return text


def _nginx_places(places: Places) -> Mapping[str, str]:
    return {
        "listen 80;": f"listen 127.0.0.1:{places.port};",
        "server 127.0.0.1:8000;": f"server {places.gateway};",
        "server 127.0.0.1:9000;": f"server {places.backend};",
        "proxy_read_timeout 5s;": f"proxy_read_timeout {PATIENCE_S}s;",
    }


def _nginx(folder: Path, text: str) -> Sequence[str]:
    (folder / "site.conf").write_text(text)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder))
    return ("-c", str(folder / "nginx.conf"), "-p", str(folder))


def _caddy_places(places: Places) -> Mapping[str, str]:
    return {
        "\n:80 {": f"\n{{\n\tadmin off\n}}\n\nhttp://:{places.port} {{\n\tbind 127.0.0.1",
        "\t\t\treverse_proxy 127.0.0.1:8000\n": f"\t\t\treverse_proxy {places.gateway}\n",
        "\t\treverse_proxy 127.0.0.1:8000 {": f"\t\treverse_proxy {places.gateway} {{",
        "reverse_proxy 127.0.0.1:9000 {": f"reverse_proxy {places.backend} {{",
        "response_header_timeout 5s": f"response_header_timeout {PATIENCE_S}s",
    }


def _caddy(folder: Path, text: str) -> Sequence[str]:
    (folder / "Caddyfile").write_text(text)
    return ("run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile")


def _envoy_places(places: Places) -> Mapping[str, str]:
    gateway, backend = (each.rpartition(":")[2] for each in (places.gateway, places.backend))
    return {
        "address: 0.0.0.0, port_value: 80 ": f"address: 127.0.0.1, port_value: {places.port} ",
        "port_value: 8000": f"port_value: {gateway}",
        "port_value: 9000": f"port_value: {backend}",
        "timeout: 5s": f"timeout: {PATIENCE_S}s",
    }


def _envoy(folder: Path, text: str) -> Sequence[str]:
    (folder / "envoy.yaml").write_text(text)
    return ("-c", str(folder / "envoy.yaml"), "--concurrency", "1", "--use-dynamic-base-id")


KINDS: Final[Mapping[str, Kind]] = {
    "nginx": Kind("nginx", "nginx/netra.conf", _nginx_places, _nginx),
    "caddy": Kind("caddy", "caddy/Caddyfile", _caddy_places, _caddy),
    "envoy": Kind("envoy", "envoy/envoy.yaml", _envoy_places, _envoy),
}
ALWAYS: Final = ("nginx", "caddy")
"""Those that must be here; no Debian package has Envoy, whose file is tried wherever the program is found."""
TRIED: Final = [
    pytest.param(name, marks=pytest.mark.skipif(kind.found is None, reason=f"there is no {name} here"))
    for name, kind in KINDS.items()
    if name in ALWAYS or kind.found
]


@contextlib.asynccontextmanager
async def proxy(
    name: str, folder: Path, gateway: str, backend: str, more: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """A proxy of this kind in front of two URLs; yields its own."""
    kind = KINDS[name]
    assert kind.found is not None
    places = Places(free_port(), gateway.removeprefix("http://"), backend.removeprefix("http://"))
    arguments = kind.arguments(folder, kind.configuration(places, more or {}))
    home = {each: str(folder) for each in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    with (folder / "output").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            kind.found, *arguments, env={**os.environ, **home}, stdout=output, stderr=output
        )
        try:
            await listening(places.port)
            yield f"http://127.0.0.1:{places.port}"
        finally:
            process.kill()
            await process.wait()
