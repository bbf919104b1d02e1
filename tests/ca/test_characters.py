"""What a certificate can hold of a text, and what stands in place of the rest."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jpki.ca import NameFormats, repertoire, similar_characters
from jpki.ca.characters import Written, characters_of, compose, joined, write, write_name


def euc_jp_characters() -> set[str]:
    found = set()
    for prefix in (b"", b"\x8f"):
        for row in range(0xA1, 0xFF):
            for cell in range(0xA1, 0xFF):
                try:
                    found.add((prefix + bytes([row, cell])).decode("euc_jp"))
                except UnicodeDecodeError:
                    continue
    return found


def written_name(name: str, furigana: str = "", **wishes: str) -> tuple[str, str] | None:
    parts = write_name(name, furigana, wishes)
    return None if parts is None else (joined(parts).text, joined(parts).flags)


def test_the_repertoire_is_what_euc_jp_decodes_two_signs_beside_it_and_ascii() -> None:
    two_sets = euc_jp_characters()
    assert len(two_sets) == 12_946
    ascii_characters = {chr(code) for code in range(0x20, 0x7F)}
    assert repertoire() == two_sets | {"\uff0d", "\uff5e"} | ascii_characters
    assert len(repertoire()) == 13_042  # JIS X 0212 has the tilde of ASCII


def test_the_repertoire_holds_single_characters_that_need_no_normalising() -> None:
    assert {len(character) for character in repertoire()} == {1}
    assert not any(unicodedata.combining(character) for character in repertoire())


def test_the_table_leads_from_beyond_the_repertoire_into_it() -> None:
    assert similar_characters() == {"髙": "高", "﨑": "崎", "𠮷": "吉", "𡈽": "土"}
    for character, substitute in similar_characters().items():
        assert character not in repertoire()
        assert substitute in repertoire()


@pytest.mark.parametrize(
    ("half_width", "full_width"),
    [
        ("ﾔﾏﾀﾞ", "ヤマダ"),
        ("ﾊﾟﾋﾟﾌﾟﾍﾟﾎﾟ", "パピプペポ"),
        ("ｳﾞ", "ヴ"),
        ("｡｢｣､･ｰ", "。「」、・ー"),
        ("ｦｧｨｩｪｫｬｭｮｯ", "ヲァィゥェォャュョッ"),
        ("ﾜﾞ", "ワ゛"),  # no character of the repertoire joins these two
        ("ｱﾟ", "ア゜"),
        ("ﾞﾟ", "゛゜"),
        ("カﾞ", "カ゛"),  # only a half-width letter takes a half-width mark
    ],
)
def test_half_width_katakana_become_full_width_unflagged(half_width: str, full_width: str) -> None:
    assert write(half_width) == Written(full_width, "0" * len(full_width))


def test_every_half_width_katakana_has_a_full_width_form_in_the_repertoire() -> None:
    for code in range(0xFF61, 0xFFA0):
        written = write(chr(code))
        assert written is not None
        assert written.flags == "0"


@pytest.mark.parametrize("selector", ["\ufe00", "\ufe0f", "\U000e0100", "\U000e01ef", "\U000e0100\U000e0101"])
def test_a_variation_selector_is_dropped_and_flags_the_character_before_it(selector: str) -> None:
    assert write(f"辻{selector}村") == Written("辻村", "10")


def test_a_variation_selector_after_a_replaced_character_leaves_one_flag() -> None:
    assert write("𠮷\U000e0100田") == Written("吉田", "10")


def test_a_variation_selector_with_nothing_before_it_cannot_be_written() -> None:
    assert write("\U000e0100辻") is None
    assert written_name("山　\U000e0100辻", "ヤマ　ツジ") is None


@pytest.mark.parametrize(
    ("decomposed", "composed"), [("か\u3099", "が"), ("ハ\u309a", "パ"), ("e\u0301", "é"), ("U\u0308\u0301", "Ǘ")]
)
def test_a_letter_and_its_combining_mark_are_the_one_character_they_are_equivalent_to(
    decomposed: str, composed: str
) -> None:
    assert write(decomposed) == Written(composed, "0")
    assert write(f"辻\U000e0100{decomposed}山") == Written(f"辻{composed}山", "100")


@pytest.mark.parametrize("mark", ["\u3099", "\u309a", "\u0301"])
def test_a_combining_mark_with_nothing_before_it_cannot_be_written(mark: str) -> None:
    assert write(mark) is None
    assert write(mark + "か") is None
    assert write_name(f"山田　{mark}か", "ヤマダ　カ") is None


def test_letters_are_not_joined_that_only_unicode_takes_for_one() -> None:
    # Two letters (jamo) that NFC makes one syllable of: neither is a mark, and neither can be written.
    assert characters_of("\u1100\u1161") == [("\u1100", False), ("\u1161", False)]


def test_a_compatibility_ideograph_is_not_replaced_by_normalising() -> None:
    assert unicodedata.normalize("NFC", "\ufa19") == "神"
    assert write("\ufa19") is None
    assert written_name("\ufa19　太郎", "カミ　タロウ") == ("カミ　太郎", "11000")


@pytest.mark.parametrize("sign", ["\u2212", "\uff0d", "\u301c", "\uff5e", "-", "~", "‐", "―"])
def test_every_hyphen_and_wave_of_the_repertoire_stays_as_it_is(sign: str) -> None:
    assert write(f"１{sign}６") == Written(f"１{sign}６", "000")


@pytest.mark.parametrize("sign", ["\u2014", "\u2013", "\u00a0", "①", "㈱", "😀", "한"])
def test_a_text_without_kana_and_with_a_character_beyond_the_repertoire_cannot_be_written(sign: str) -> None:
    assert write(f"１{sign}６") is None


def test_what_the_applicant_asks_for_goes_before_the_table() -> None:
    assert write("髙﨑", {"﨑": "埼"}) == Written("高埼", "11")


def test_a_family_name_without_substitutes_is_written_in_kana_and_the_given_name_stays() -> None:
    assert written_name("𩸽田　太郎", "ホッケダ　タロウ") == ("ホッケダ　太郎", "1111000")


def test_a_given_name_without_substitutes_is_written_in_kana_beside_a_family_name_with_one() -> None:
    assert written_name("𠮷田　𠀋", "ヨシダ　ジョウ") == ("吉田　ジョウ", "100111")


def test_a_name_of_one_part_is_written_in_kana_too() -> None:
    assert written_name("𠀋", "ジョウ") == ("ジョウ", "111")


def test_kana_may_be_given_half_width_or_in_hiragana() -> None:
    assert written_name("𩸽　𠀋", "ﾎｯｹ じょう") == ("ホッケ　じょう", "1110111")


def test_a_family_name_with_a_substitute_for_one_character_and_none_for_another_goes_back() -> None:
    assert written_name("𩸽𠮷　太郎", "ホッケヨシ　タロウ") is None


def test_a_substitute_asked_for_the_other_character_makes_that_name_writable() -> None:
    assert written_name("𩸽𠮷　太郎", "", **{"𩸽": "鯖"}) == ("鯖吉　太郎", "11000")


@pytest.mark.parametrize(
    "furigana", ["", "ホッケ", "ホッケ　タロウ　ジロウ", "北家　タロウ", "HOKKE　タロウ", "?　タロウ"]
)
def test_a_name_without_substitutes_goes_back_where_the_kana_are_missing_or_no_kana(furigana: str) -> None:
    assert written_name("𩸽　太郎", furigana) is None


@pytest.mark.parametrize("kana", "ぁんァヶ゛゜ゝゞ・ーヽヾ")
def test_kana_are_hiragana_and_katakana_with_their_marks(kana: str) -> None:
    assert written_name("𩸽　太郎", f"ホ{kana}　タロウ") == (f"ホ{kana}　太郎", "11000")


@pytest.mark.parametrize("sign", "\u3040ゔ\u30a0ヷ\u309f\u30fa\u30ff々仝、A１")
def test_what_lies_beside_them_is_no_kana(sign: str) -> None:
    assert written_name("𩸽　太郎", f"ホ{sign}　タロウ") is None


@pytest.mark.parametrize(
    "sign", ["\0", "\x1b", "\u200d", "\u202e", "\ufeff", "\u00a0", "\u2003", "\u0302", "\ue000\u0302"]
)
def test_kana_do_not_stand_for_a_sign_that_nobody_reads_aloud(sign: str) -> None:
    assert written_name(f"山{sign}田　太郎", "ヤマダ　タロウ") is None


def test_kana_stand_for_a_character_of_the_private_use_area_and_for_one_yet_unassigned() -> None:
    assert written_name("\ue000田　\U00031400", "ヤマダ　タロウ") == ("ヤマダ　タロウ", "1110111")


def test_spaces_of_a_name_stay_as_they_are() -> None:
    assert written_name("JEAN  PAUL　髙 B") == ("JEAN  PAUL　高 B", "0" * 11 + "1" + "00")


def test_a_former_name_and_an_alias_are_written_by_the_formats_with_a_flag_for_each_bracket_and_space() -> None:
    forms = NameFormats.of_profile()
    former = compose(forms.former_name, family=Written("旧", "0"), former=Written("吉", "1"), given=Written("子", "0"))
    assert former == Written("旧［吉］　子", "001000")
    alias = compose(forms.alias, name=Written("LI", "00"), alias=Written("高", "1"))
    assert alias == Written("LI（高）", "00010")


@given(st.text(max_size=30), st.text(max_size=10))
def test_whatever_is_written_lies_in_the_repertoire_with_one_flag_a_character(name: str, furigana: str) -> None:
    parts = write_name(name, furigana)
    texts = [write(name), None if parts is None else joined(parts)]
    for written in (text for text in texts if text is not None):
        assert repertoire().issuperset(written.text)
        assert len(written.flags) == len(written.text)
        assert set(written.flags) <= {"0", "1"}


@given(st.text(max_size=30))
def test_a_question_mark_is_written_only_where_one_stood(text: str) -> None:
    written = write(text)
    assert written is None or written.text.count("?") == text.count("?")


@given(st.text(st.sampled_from(sorted(repertoire())), max_size=40))
def test_a_text_of_the_repertoire_stays_as_it_is(text: str) -> None:
    assert write(text) == Written(text, "0" * len(text))
    assert characters_of(text) == [(character, False) for character in text]


def test_a_written_text_does_not_print() -> None:
    assert "高" not in repr(Written("高", "1"))
