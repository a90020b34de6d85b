"""Fixtures that several of the test modules use."""

from browser import address, browser, window

__all__ = ["address", "browser", "window"]
