"""Anything: pyright binds 2,000 modules of transformers to learn no more than that."""

from typing import Any

def __getattr__(name: str) -> Any: ...
