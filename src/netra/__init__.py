"""Netra, the login path of a backend that always says why; this file holds the version.

It must never import anything: whoever imports one room of Netra pays for that room alone.
"""

__version__ = "0.1.0"
