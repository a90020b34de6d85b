"""What builds, runs, packs, measures and sets up the book, each in a wing of its own; nothing here is installed.

Run from the repository's root, as the Makefile does: ``python -m tools.publish.pdf``.
"""
