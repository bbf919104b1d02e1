"""Documents and code that point at one another: no link and no cited section is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("jpki", "card_profiles", "emulator", "cli")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SOURCES = sorted(
    path for package in PACKAGES for suffix in ("py", "toml") for path in (ROOT / package).rglob(f"*.{suffix}")
)

LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#[^)]*)?\)")
CITED = re.compile(r"docs/(?P<page>[a-z-]+\.md)(?:, (?P<section>[\w\s'-]+?)(?=[.,;:)\n\"]|$))?", re.MULTILINE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def headings(page: Path) -> set[str]:
    return {line.lstrip("#").strip().lower() for line in page.read_text("utf-8").splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    targets = {link for link in LINK.findall(page.read_text("utf-8")) if link}
    assert {link for link in targets if not (page.parent / link).exists()} == set()


def test_every_page_and_section_that_code_cites_is_there() -> None:
    missing = []
    for source in SOURCES:
        for cited in CITED.finditer(source.read_text("utf-8")):
            page = ROOT / "docs" / cited["page"]
            section = " ".join((cited["section"] or "").split()).lower()
            if not page.is_file() or not any(heading.startswith(section) for heading in headings(page)):
                missing.append(f"{name(source)}: {' '.join(cited[0].split())}")
    assert not missing, "\n".join(missing)
