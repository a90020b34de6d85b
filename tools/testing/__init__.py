"""Plugins that say which tests run, in which order, and what they showed."""
