"""Underpin: a self-hosted server for assistants. Start with ARCHITECTURE.md at the root of the repository."""

__version__ = "0.1.0"
