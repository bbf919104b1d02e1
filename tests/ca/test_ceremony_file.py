"""The file of a key ceremony, and the words that follow from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from authorities import BOTH

from jpki.ca import BadCeremony, read_ceremony, witness_words

GOOD = 'title = "t"\n[[key]]\nrole = "sign"\ngeneration = 2\n[[witness]]\nname = "A"\n'
BAD = {
    "\xff": ("", "not UTF-8"),
    "title = ": ("", "not TOML"),
    "": ("key", "missing"),
    GOOD.replace('title = "t"', ""): ("title", "missing"),
    GOOD.replace('"t"', '" "'): ("title", "not a text"),
    GOOD.replace('"t"', "1"): ("title", "not a text"),
    GOOD.replace('"A"', '"A\\u0007"'): ("witness.1.name", "a control character"),
    GOOD.replace('"A"', '"A\\u202E"'): ("witness.1.name", "a control character"),
    GOOD + 'other = "x"': ("witness.1.other", "unknown here"),
    'color = "x"\n' + GOOD: ("color", "unknown here"),
    GOOD.replace("[[witness]]", "[witness]"): ("witness", "not a table, or several"),
    GOOD.replace('[[witness]]\nname = "A"\n', ""): ("witness", "missing"),
    GOOD.replace('"sign"', '"both"'): ("key.1.role", "neither sign nor auth"),
    GOOD.replace("= 2", "= 1"): ("key.1.generation", "not a whole number from 2"),
    GOOD.replace("= 2", "= true"): ("key.1.generation", "not a whole number from 2"),
    GOOD.replace("= 2", "= 2\nplace = 'pkcs11:object=k'"): (
        "key.1.place.token",
        "neither token nor serial nor slot-id",
    ),
    GOOD + '[[key]]\nrole = "sign"\ngeneration = 3\n': ("key", "a role twice"),
    GOOD.replace("= 2", "= 2\nplace = 'k'") + '[[key]]\nrole = "auth"\ngeneration = 2\nplace = "k"\n': (
        "key",
        "a place twice",
    ),
    GOOD + '[[witness]]\nname = "A"\n': ("witness", "a name twice"),
    GOOD + '[[step]]\nsay = "x"\n': ("step", "not every key is made once"),
    GOOD + '[[step]]\nmake = "auth"\n': ("step", "not every key is made once"),
    GOOD + '[[step]]\nmake = "sign"\n' * 2: ("step", "not every key is made once"),
    GOOD + '[[step]]\nmake = "sign"\nsay = "x"\n': ("step.1", "neither say nor make, or both"),
    GOOD + "[[step]]\n": ("step.1", "neither say nor make, or both"),
}


@pytest.mark.parametrize("text", BAD)
def test_a_file_that_is_no_ceremony_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(BadCeremony) as caught:
        read_ceremony(text.encode("latin-1"))
    where, problem = BAD[text]
    assert caught.value.where == where
    assert caught.value.problem.startswith(problem)


def test_a_ceremony_without_steps_makes_its_keys_in_their_order() -> None:
    found = read_ceremony((GOOD + '[[key]]\nrole = "auth"\ngeneration = 5\n').encode())
    assert [step.make for step in found.steps] == list(BOTH)
    assert [key.place for key in found.keys] == [None, None]


def test_words_are_easily_typed_and_differ_by_file_key_and_witness() -> None:
    shown = {
        witness_words(bytes([ceremony]) * 32, (bytes([key]) * 32,), name)
        for ceremony in (1, 2)
        for key in (1, 2)
        for name in ("A", "B")
    }
    assert len(shown) == 8
    assert all(re.fullmatch(r"[a-z]{4,12}( [a-z]{4,12}){2}", words) for words in shown)


def test_the_words_are_those_of_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "keys.md").read_text("utf-8")
    found = re.search(r"`([a-z]+ [a-z]+ [a-z]+)` for a file and a key of 32 zero octets each", page)
    assert found is not None
    assert found[1] == witness_words(bytes(32), (bytes(32),), "山田 太郎")
