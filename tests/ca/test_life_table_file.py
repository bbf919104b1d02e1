"""The file of a certificate's life is read strictly: what is unknown, missing or without source is refused by place."""

from __future__ import annotations

from importlib import resources

import pytest

import jpki.ca.life
from jpki.ca.life import OURS, LifeTable, load_life_table, parse_life_table
from jpki.formats import ProfileError

TEXT = (resources.files(jpki.ca.life) / "life_events.toml").read_text("utf-8")
MOVE = TEXT[TEXT.index("[event.move]") : TEXT.index("[event.name-change]")]


def changed(old: str, new: str, within: str = TEXT) -> str:
    """Returns the file with one text of a part of it replaced; the text must be there."""
    assert old in within
    return TEXT.replace(within, within.replace(old, new, 1), 1)


def refusal(text: str) -> tuple[str, str]:
    with pytest.raises(ProfileError) as refused:
        parse_life_table(text)
    return refused.value.where, refused.value.problem


def test_the_file_is_read() -> None:
    assert parse_life_table(TEXT) == load_life_table()


def cells(table: LifeTable) -> list[tuple[str, ...]]:
    found = [cell.sources for cell in table.hold_can_end.values()] + [
        table.phone.sources,
        table.last.sources,
        table.again.sources,
    ]
    for row in table.rows.values():
        found += [row.since.sources, row.later.sources, row.follows.sources]
        for fate in row.fates.values():
            found.append(fate.effect.sources)
            found += [cell.sources for cell in (fate.reason,) if cell is not None]
            found += [cell.sources for cell in (fate.undone_by,) if cell is not None]
    return found


def test_every_cell_has_a_source_that_is_declared_or_is_ours() -> None:
    table = load_life_table()
    assert all(sources and set(sources) <= {*table.sources, OURS} for sources in cells(table))


@pytest.mark.parametrize(
    ("part", "where"),
    [
        ("since", "event.move.since"),
        ("later", "event.move.later"),
        ("follows", "event.move.follows"),
        ("signature.effect", "event.move.signature.effect"),
        ("signature.reason", "event.move.signature.reason"),
        ("signature.undone_by", "event.move.signature.undone_by"),
    ],
)
def test_a_cell_that_is_missing_is_named_and_so_is_one_without_source(part: str, where: str) -> None:
    line = next(line for line in MOVE.splitlines() if line.startswith(f"{part} "))
    assert refusal(changed(line + "\n", "", MOVE)) == (where, "missing")
    without = line[: line.index(", source")] + " }"
    assert refusal(changed(line, without, MOVE)) == (f"{where}.source", "missing")
    empty = line[: line.index(", source")] + ", source = [] }"
    assert refusal(changed(line, empty, MOVE)) == (f"{where}.source", "not a list of texts")
    unknown = line[: line.index(", source")] + ', source = ["hearsay"] }'
    assert refusal(changed(line, unknown, MOVE)) == (f"{where}.source", "not a source that is declared")
    more = line[: line.rindex("}")] + ', colour = "red" }'
    assert refusal(changed(line, more, MOVE)) == (f"{where}.colour", "unknown")


def test_a_role_without_cells_is_named() -> None:
    line = next(line for line in MOVE.splitlines() if line.startswith("authentication.effect"))
    assert refusal(changed(line + "\n", "", MOVE)) == ("event.move.authentication", "missing")


@pytest.mark.parametrize(
    ("old", "new", "where", "problem"),
    [
        ('is = "revoke"', 'is = "annul"', "event.move.signature.effect.is", "not one of nothing, revoke, hold"),
        ('is = "moment"', 'is = "soon"', "event.move.since.is", "not one of moment, departure, end of day"),
        ('is = "moment"', 'is = "departure"', "event.move.needs", "not the departure, from which it counts"),
        ('is = "stays"', 'is = "goes"', "event.move.later.is", "not one of stays, as the others, if on its card"),
        ('is = "stays"', 'is = "if on its card"', "event.move.takes", "not the card, on which certificates issued"),
        ('= "register"', '= "neighbour"', "event.move.reporter", "not one of register, card, holder, authority"),
        ('"signature-anew"', '"a party"', "event.move.follows.is", "not declared as something that follows"),
        ("affiliationChanged", "marriage", "event.move.signature.reason.is", "not a reason of a revocation list"),
        ("affiliationChanged", "removeFromCRL", "event.move.signature.reason.is", "a reason that ends no certificate"),
        ("affiliationChanged", "certificateHold", "event.move.signature.reason.is", "a reason that ends no"),
        ('is = "nothing", source = ["RFC', 'is = "luck", source = ["RFC', "event.move.signature.undone_by",
         "not an event of the table"),
        ('is = "nothing", source = ["RFC', 'is = "card-found", source = ["RFC', "event.move.signature.undone_by",
         "not an event that ends a hold"),
        ("[event.move]", "[event.Move]", "event.Move", "not a name of a kind of event"),
        ("[event.move]", "[event.nothing]", "event.nothing", "not a name of a kind of event"),
        ("[event.move]", '[event.move]\nneeds = ["name"]', "event.move.needs", "not facts of an event, each once"),
        ("[event.move]", '[event.move]\ntakes = ["card", "card"]', "event.move.takes", "not facts of an event"),
        ("[event.move]", '[event.move]\nneeds = ["card"]\ntakes = ["card"]', "event.move.takes", "needed already"),
        ("[event.move]", "[event.move]\nweight = 3", "event.move.weight", "unknown"),
        ('en = "move"', 'de = "Umzug"', "event.move.name.en", "missing"),
    ],
)  # fmt: skip
def test_a_cell_that_says_something_unknown_is_named(old: str, new: str, where: str, problem: str) -> None:
    found = refusal(changed(old, new, MOVE))
    assert found[0] == where
    assert found[1].startswith(problem)


@pytest.mark.parametrize(
    ("old", "new", "where", "problem"),
    [
        ("format = 1", "format = 2", "format", "not 1, the only one known here"),
        ("format = 1", "format = 1\nauthor = 1", "author", "unknown"),
        ("\n[source]", "\n[source", "", "not TOML"),
        ("\n[source]", '\n[source]\nours = { ja = "x", en = "x" }', "source.ours", "declared, though it is no source"),
        ("\n[source]", '\n[source]\nhearsay = { ja = "x", en = "x" }', "hearsay", "declared, and no cell uses it"),
        ("[follow]", '[follow]\nparty = { ja = "x", en = "x" }', "party", "declared, and no cell uses it"),
        ("[rule.phone]", "[rule.telephone]", "rule.phone", "missing"),
        ('"as the card\'s"', '"as it likes"', "rule.phone.is", "not “as the card's”, the only rule known here"),
        ("is     = true", 'is     = "yes"', "rule.authentication_hold_can_end.is", "neither true nor false"),
        ("[rule.signature_hold_can_end]", "[rule.hold]", "rule.signature_hold_can_end", "missing"),
        ("is     = true\n", "", "rule.authentication_hold_can_end.is", "missing"),
        ('is     = ["death"]', 'is     = ["doom"]', "rule.last_events.is", "not a list of events of the table"),
        ('is     = ["death"]', 'is     = ""', "rule.last_events.is", "not a list of texts"),
        ('is     = ["death"]', "is     = [[]]", "rule.last_events.is", "not a list of texts"),
        ("[rule.phone]", '[rule.luck]\nis = true\nsource = ["ours"]\n[rule.phone]', "rule.luck", "unknown"),
        ('"hold", source = ["portal", "katsuragi", "facts"] }\nsignature.reason         = { is = "certificateHold"',
         '"hold", source = ["portal", "katsuragi", "facts"] }\nsignature.reason         = { is = "keyCompromise"',
         "event.card-lost.signature.reason.is", "not certificateHold, the only reason of a hold"),
        ('is = "card-found"', 'is = "move"', "event.card-lost.signature.undone_by", "not an event that ends a hold"),
        ('authentication.effect    = { is = "expire"',
         'authentication.undone_by = {}\nauthentication.effect    = { is = "expire"',
         "event.card-expired.authentication.undone_by", "unknown"),
    ],
)  # fmt: skip
def test_a_file_that_contradicts_itself_is_refused_by_place(old: str, new: str, where: str, problem: str) -> None:
    found = refusal(changed(old, new))
    assert found[0] == where
    assert found[1].startswith(problem)
