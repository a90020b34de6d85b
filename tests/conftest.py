"""Fixtures that several of the test modules use."""

from browser import address, browser

__all__ = ["address", "browser"]
