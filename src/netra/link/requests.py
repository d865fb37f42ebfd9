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
        self._beginnings: dict[tuple[Template, Seal | None], tuple[str, int]] = {}

    def __call__(self, call: Call[Any], seal: Seal | None) -> bytes | Broken:
        """A request. Source: RFC 9112, section 2.2; RFC 9110, section 5.5."""
        rest = [f"{name}: {value}\r\n" for name, value in call.headers]
        if call.bearer is not None:
            rest.append(f"Authorization: Bearer {call.bearer.reveal()}\r\n")
        try:
            beginning, lines_count = self._beginnings.get((call.template, seal)) or self._begin(call, seal)
            body = _body(call, seal)
            if body or call.template.method == "POST":
                rest.append(f"Content-Length: {len(body)}\r\n")
            head = (beginning + "".join(rest)).encode("latin-1")
        except UnicodeEncodeError:
            return _UNWRITABLE
        lines_count += len(rest)
        if head.count(b"\n") != lines_count or head.count(b"\r") != lines_count or b"\0" in head:
            return _UNWRITABLE
        return head + b"\r\n" + body

    def _begin(self, call: Call[Any], seal: Seal | None) -> tuple[str, int]:
        """What comes first; kept where it is the same for all calls of a template: not where their queries differ."""
        template = call.template
        headers = [("Host", self._authority), ("Accept", "application/json"), ("Accept-Encoding", "identity")]
        named = {name.lower() for name, _ in template.headers}
        if template.body is not None and "content-type" not in named:
            headers.append(("Content-Type", template.body.content_type))
        headers.extend(seal.headers if seal is not None else ())
        target = template.target(call.said)
        lines = [f"{template.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        beginning = "".join(f"{line}\r\n" for line in lines), len(lines)
        if template.query is None:
            self._beginnings[template, seal] = beginning
        return beginning


def _body(call: Call[Any], seal: Seal | None) -> bytes:
    body, writes = call.body, call.template.body
    if body is None or writes is None:
        return b""
    text = body.reveal()
    return (writes.with_members(text, seal.members) if seal is not None and seal.members else text).encode()
