"""The schemas of docs/schemas, and reports held against them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

__all__ = ["SCHEMAS", "assert_follows_its_schema"]

_FOLDER = Path(__file__).parent.parent / "docs" / "schemas"
SCHEMAS = {path.stem: json.loads(path.read_text("utf-8")) for path in _FOLDER.glob("*.json")}


def assert_follows_its_schema(report: dict[str, Any]) -> None:
    """Fails where a report is not as the schema of its kind says."""
    validator = Draft202012Validator(SCHEMAS[report["kind"]], format_checker=FormatChecker())
    assert [error.message for error in validator.iter_errors(report)] == []
