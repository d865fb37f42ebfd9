"""The rules of accessibility, by axe-core from npm, applied to a page as it stands.

It must never be installed into the project: it lies in pytest's cache.
"""

import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from tests.browser.chromium import Page

NPM: Final = shutil.which("npm")
_FILES: Final = ("package.json", "package-lock.json")
_INSTALL: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
_PATIENCE_S: Final = 120.0
_RUN: Final = """async () => (
    await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }))
  .violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target} ${node.failureSummary}`))"""


def source(cache: Path) -> str:
    """The rules as a script, fetched once for each version.

    Raises: CalledProcessError or TimeoutExpired where npm cannot fetch it.
    """
    contents = [(Path(__file__).parent / name).read_bytes() for name in _FILES]
    folder = cache / sha256(b"\0".join(contents)).hexdigest()[:16]
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(dir=cache))
        for name, content in zip(_FILES, contents, strict=True):
            (making / name).write_bytes(content)
        subprocess.run([str(NPM), *_INSTALL], cwd=making, check=True, capture_output=True, timeout=_PATIENCE_S)
        try:
            making.rename(folder)
        except OSError:  # another worker was quicker
            shutil.rmtree(making)
    return (folder / "node_modules/axe-core/axe.min.js").read_text("utf-8")


def violations(page: Page, rules: str) -> list[Any]:
    """What breaks a rule of WCAG 2.2 AA, or a good habit: rule, element, and how to mend it."""
    # The policy forbids scripts of others in the page; the debugger's are not bound by it.
    page.evaluate(rules)
    found: list[Any] = page.evaluate(_RUN)
    return found
