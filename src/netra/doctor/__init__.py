"""Finds out why logins fail, or will fail, and says so in words that lead to the cure.

It must never change anything, and never print a secret.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netra.doctor.debugger import AuthServiceDebugger

__all__ = ["AuthServiceDebugger"]


def __getattr__(name: str) -> Any:
    """The diagnosis is loaded when somebody asks for it: most who come here want to check a setting or a wire."""
    if name != "AuthServiceDebugger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("netra.doctor.debugger").AuthServiceDebugger
