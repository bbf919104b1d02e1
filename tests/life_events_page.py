"""The page docs/life-events.md, made from the table of events: run as a program, this writes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jpki.ca.life import Cell, Fate, Later, LifeEffect, LifeRow, LifeTable, Reporter, Since, load_life_table
from jpki.terms import Role

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "life-events.md"
FRAME = Path(__file__).parent / "data" / "life-events-page.md"
MARK = re.compile(r"<!-- (events|notes|rules|sources)(?: (en|ja))? -->")

WORDS: Mapping[str, Mapping[object, str]] = {
    "en": {
        "columns": "kind|event|since|signature certificate|authentication certificate|one issued after it|what follows",
        "rules": "rule|value|where sources differ",
        Reporter.REGISTER: "Resident register",
        Reporter.CARD: "Card",
        Reporter.HOLDER: "Holder",
        Reporter.AUTHORITY: "Authority",
        Since.MOMENT: "its moment",
        Since.DEPARTURE: "the beginning of the day of leaving",
        Since.END_OF_DAY: "the end of its day",
        Later.STAYS: "stays",
        Later.AS_THE_OTHERS: "as the others",
        Later.ON_ITS_CARD: "as the others, if it is on the card that the event names; else refused",
        Later.REFUSED: "refused",
        LifeEffect.NOTHING: "stays",
        LifeEffect.REVOKE: "**revoked**",
        LifeEffect.HOLD: "**on hold**",
        LifeEffect.RELEASE: "the hold ends",
        LifeEffect.EXPIRE: "has ended by itself",
        LifeEffect.SUPERSEDE: "**revoked**, but for the newest one",
        "let": "where the policy lets it: {}",
        "not let": "where the policy does not let it: {}",
        "for good": "for good",
        "ended by": "ended by `{}`",
        "revoked by": "revoked by `{}`",
        "needs": "needs",
        "takes": "may have",
        "; ": "; ",
        "authentication_hold_can_end": "the hold of an authentication certificate can end",
        "signature_hold_can_end": "the hold of a signature certificate can end",
        "phone": "a certificate on a phone",
        "last_events": "events that nothing follows",
        "claim_again": "events after which a claim that had ended begins again",
        True: "yes",
        False: "no",
        "as the card's": "has the fate of the card's of the same role",
    },
    "ja": {
        "columns": "種類|イベント|いつから|署名用電子証明書|利用者証明用電子証明書|後から発行されたもの|その後の手続",
        "rules": "規則|値|資料の異なるところ",
        Reporter.REGISTER: "住民票",
        Reporter.CARD: "カード",
        Reporter.HOLDER: "利用者",
        Reporter.AUTHORITY: "認証局",
        Since.MOMENT: "起きた時刻",
        Since.DEPARTURE: "転出の日の始まり",
        Since.END_OF_DAY: "その日の終わり",
        Later.STAYS: "そのまま",
        Later.AS_THE_OTHERS: "ほかと同じ",
        Later.ON_ITS_CARD: "イベントの示すカードにあればほかと同じ、そうでなければ拒否",
        Later.REFUSED: "拒否",
        LifeEffect.NOTHING: "そのまま",
        LifeEffect.REVOKE: "**失効**",
        LifeEffect.HOLD: "**一時停止**",
        LifeEffect.RELEASE: "一時停止の解除",
        LifeEffect.EXPIRE: "期限切れ",
        LifeEffect.SUPERSEDE: "最新のもの以外は**失効**",
        "let": "方針が許すときは{}",
        "not let": "方針が許さないときは{}",
        "for good": "元に戻らない",
        "ended by": "`{}` で解除",
        "revoked by": "`{}` で失効",
        "needs": "必須：",
        "takes": "任意：",
        "; ": "；",
        "authentication_hold_can_end": "利用者証明用電子証明書の一時停止は解除できる",
        "signature_hold_can_end": "署名用電子証明書の一時停止は解除できる",
        "phone": "スマートフォンの電子証明書",
        "last_events": "その後のイベントがないもの",
        "claim_again": "なくなった資格が再び生じるイベント",
        True: "はい",
        False: "いいえ",
        "as the card's": "カードの同じ種類の電子証明書と同じ扱い",
    },
}


def page(table: LifeTable) -> str:
    """Returns the whole page: the frame, with every mark replaced by what the table says."""
    parts = {"events": events, "notes": notes, "rules": rules, "sources": sources}
    return MARK.sub(lambda mark: parts[mark[1]](table, mark[2] or "en"), FRAME.read_text("utf-8"))


def events(table: LifeTable, language: str) -> str:
    words = WORDS[language]
    lines = _heading(words["columns"])
    for reporter in Reporter:
        lines.append(f"| **{words[reporter]}** | | | | | | |")
        lines += [_row(table, row, language) for row in table.rows.values() if row.reporter is reporter]
    return "\n".join(lines)


def notes(table: LifeTable, language: str) -> str:
    return "\n".join(f"- `{row.kind}`: {row.note[language]}" for row in table.rows.values() if row.note)


def rules(table: LifeTable, language: str) -> str:
    words = WORDS[language]
    cells: dict[str, Cell[Any]] = {
        "authentication_hold_can_end": table.hold_can_end[Role.AUTHENTICATION],
        "signature_hold_can_end": table.hold_can_end[Role.SIGNATURE],
        "phone": table.phone,
        "last_events": table.last,
        "claim_again": table.again,
    }
    lines = _heading(words["rules"])
    for name, cell in cells.items():
        value = cell.value
        said = ", ".join(f"`{kind}`" for kind in value) if isinstance(value, tuple) else words[value]
        lines.append(f"| {words[name]} | {said} {_sources(cell)} | {table.notes[name].get(language, '')} |")
    return "\n".join(lines)


def sources(table: LifeTable, _: str) -> str:
    lines = _heading("name|English|日本語")
    lines += [f"| {name} | {texts['en']} | {texts['ja']} |" for name, texts in table.sources.items()]
    return "\n".join([*lines, "| ours | a choice of this project | このプロジェクトで決めたこと |"])


def _heading(columns: str) -> list[str]:
    names = columns.split("|")
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def _sources(*cells: Cell[Any]) -> str:
    names = dict.fromkeys(name for cell in cells for name in cell.sources)
    return f"[{', '.join(names)}]"


def _row(table: LifeTable, row: LifeRow, language: str) -> str:
    words = WORDS[language]
    facts = [
        f"{words[word]} {', '.join(f'`{fact.value}`' for fact in sorted(facts, key=lambda fact: fact.value))}"
        for word, facts in (("needs", row.needs), ("takes", row.takes))
        if facts
    ]
    follows = words["; "].join(table.follows[name][language] for name in row.follows.value)
    return _line(
        "<br>".join([f"`{row.kind}`", *facts]),
        row.names[language],
        f"{words[row.since.value]} {_sources(row.since)}",
        *(_fate(row.fates[role], table.hold_can_end[role].value, language) for role in Role),
        f"{words[row.later.value]} {_sources(row.later)}",
        f"{follows} {_sources(row.follows)}",
    )


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _fate(fate: Fate, can_end: bool, language: str) -> str:
    """Returns a cell; what the policy decides is told as it is by default, and then as it may be chosen."""
    words = WORDS[language]
    first = f"{words[fate.effect.value]} {_sources(fate.effect)}"
    if fate.reason is None or fate.undone_by is None:
        return first
    reason, undone_by = f"{fate.reason.value.text} {_sources(fate.reason)}", fate.undone_by.value
    match fate.effect.value:
        case LifeEffect.RELEASE:
            ends, revoked = words[LifeEffect.RELEASE], words[LifeEffect.REVOKE]
            said = [first, words["not let"].format(f"{revoked}, {reason}")]
            if not can_end:
                said = [f"{revoked} {_sources(fate.effect)}", reason, words["let"].format(ends)]
        case LifeEffect.HOLD:
            ends, revokes = (words[word].format(undone_by) for word in ("ended by", "revoked by"))
            end = f"{ends} {_sources(fate.undone_by)}" if can_end else f"{revokes} {_sources(fate.undone_by)}"
            said = [first, reason, end, (words["not let"].format(revokes) if can_end else words["let"].format(ends))]
        case _:
            said = [first, reason, f"{words['for good']} {_sources(fate.undone_by)}"]
    return words["; "].join(said)


if __name__ == "__main__":
    PAGE.write_text(page(load_life_table()), encoding="utf-8")
