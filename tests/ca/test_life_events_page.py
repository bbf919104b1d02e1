"""docs/life-events.md is what the table of events gives, in both languages."""

from __future__ import annotations

import re

import pytest
from life_events_page import PAGE, page

from jpki.ca.life import LifeEvent, load_life_table, read_life_events

TEXT = PAGE.read_text("utf-8")


def test_the_page_is_the_one_made_from_the_table() -> None:
    assert page(load_life_table()) == TEXT


@pytest.mark.parametrize("kind", load_life_table().rows)
def test_every_event_stands_in_both_tables(kind: str) -> None:
    row = load_life_table().rows[kind]
    lines = re.findall(rf"^\| `{kind}`.*$", TEXT, re.MULTILINE)
    assert len(lines) == 2
    assert f"| {row.names['en']} |" in lines[0]
    assert f"| {row.names['ja']} |" in lines[1]


def test_the_events_that_the_page_shows_are_read_and_are_of_the_table() -> None:
    block = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    found = [line.read for line in read_life_events(block[1].encode().splitlines(keepends=True))]
    assert len(found) == 3
    for event in found:
        assert isinstance(event, LifeEvent)
        row = load_life_table().rows[event.kind]
        assert row.needs <= event.said <= row.needs | row.takes
