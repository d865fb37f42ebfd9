"""Questions as the bytes that are sent.

It must never write what would break the lines of a request: such a call was never sent.
"""

from typing import Any, Final

from netra.core.verdict.reply import Broken
from netra.core.verdict.wire import Call, Template
from netra.link.seals import Seal

_UNWRITABLE: Final = Broken("proxy_configuration_error")


class Requests:
    """Writes calls to one auth service. What all calls of a template say is written once."""

    def __init__(self, authority: str) -> None:
        self._authority = authority
        self._beginnings: dict[tuple[Template, Seal | None], bytes] = {}

    def __call__(self, call: Call[Any], seal: Seal | None) -> bytes | Broken:
        """A request. Source: RFC 9112, section 2.2; RFC 9110, section 5.5."""
        lines = [f"{name}: {value}" for name, value in call.headers]
        if call.bearer is not None:
            lines.append(f"Authorization: Bearer {call.bearer.reveal()}")
        template = call.template
        try:
            beginning = self._beginnings.get((template, seal)) or self._begin(call, seal)
            body = _body(call, seal)
            if body or template.method == "POST":
                lines.append(f"Content-Length: {len(body)}")
            return b"%b%b\r\n%b" % (beginning, _written(lines), body)
        except ValueError:
            return _UNWRITABLE

    def _begin(self, call: Call[Any], seal: Seal | None) -> bytes:
        """What comes first; kept where it is the same for all calls of a template: not where their queries differ."""
        template = call.template
        headers = [("Host", self._authority), ("Accept", "application/json"), ("Accept-Encoding", "identity")]
        named = {name.lower() for name, _ in template.headers}
        if template.body is not None and "content-type" not in named:
            headers.append(("Content-Type", template.body.content_type))
        headers.extend(seal.headers if seal is not None else ())
        target = template.target(call.said)
        beginning = _written([f"{template.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)])
        if template.query is None:
            self._beginnings[template, seal] = beginning
        return beginning


def _written(lines: list[str]) -> bytes:
    """Lines, with their ends, as bytes. Raises: ValueError for what cannot be encoded, or would be more lines."""
    text = "".join(lines)
    if "\r" in text or "\n" in text or "\0" in text:
        raise ValueError
    return "\r\n".join([*lines, ""]).encode("latin-1")


def _body(call: Call[Any], seal: Seal | None) -> bytes:
    body, writes = call.body, call.template.body
    if body is None or writes is None:
        return b""
    text = body.reveal()
    return (writes.with_members(text, seal.members) if seal is not None and seal.members else text).encode()
