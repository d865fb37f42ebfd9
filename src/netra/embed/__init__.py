"""The gateway as a function: what a backend imports to log its users in without a listener.

It must never end the process, touch the root logger or keep anything outside of the gates that are open.
"""

from netra.assemble import Tell
from netra.core.events import Event
from netra.core.secret import Secret
from netra.core.verdict.operations import Done, Identity, Offer, Session, User
from netra.core.verdict.outcomes import Accepted, FieldFault, Outcome, Rejected, Tried, Unknown
from netra.doctor.debugger import AuthServiceDebugger
from netra.doctor.diagnosis import Check, Diagnosis
from netra.embed.callers import Caller
from netra.embed.gate import Gate, ProblemResponse
from netra.embed.opening import open_gate
from netra.settings.read import SettingsProblem

__all__ = [
    "Accepted",
    "AuthServiceDebugger",
    "Caller",
    "Check",
    "Diagnosis",
    "Done",
    "Event",
    "FieldFault",
    "Gate",
    "Identity",
    "Offer",
    "Outcome",
    "ProblemResponse",
    "Rejected",
    "Secret",
    "Session",
    "SettingsProblem",
    "Tell",
    "Tried",
    "Unknown",
    "User",
    "open_gate",
]
