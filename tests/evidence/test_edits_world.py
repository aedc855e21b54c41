"""Edits of the world's texts: no language is cut, misread, or taken for English."""

from __future__ import annotations

import random

import pytest
import regex

from attribution.evidence.probes import baits, edits
from attribution.evidence.probes.edits import Edit
from attribution.evidence.probes.table import PROBES
from attribution.evidence.probes.wording import is_english, partner_of, partners_in, words_of
from tests.evidence.test_edits import DOCUMENT, QUERY, made

WORLD = {
    "hi": ("दिल्ली की जनसंख्या कितनी है", "दिल्ली भारत की राजधानी है। दिल्ली की जनसंख्या लगभग १६ करोड़ है।"),
    "ar": ("كم عدد سكان القاهرة؟", "القاهرة عاصمة مصر. عدد سكان القاهرة ٢٢ مليون نسمة. هل هي كبيرة؟"),
    "ur": ("لاہور کی آبادی کتنی ہے", "لاہور پاکستان کا شہر ہے۔ لاہور کی آبادی ۱۳ ملین ہے۔"),
    "fa": ("جمعیت تهران", "تهران پایتخت است. من می\u200cخواهم به تهران بروم که ۹ میلیون جمعیت دارد."),
    "he": ("כמה תושבים בירושלים", "ירושלים היא בירת ישראל. בירושלים גרים 980,000 תושבים."),
    "zh": ("东京的人口是多少", "东京是日本的首都。东京的人口约为1400万。城市很大！"),
    "ja": ("東京の人口は何人ですか", "東京は日本の首都です。人口は約１４００万人です。コーヒーは好きですか。"),
    "th": ("กรุงเทพมีประชากรกี่คน", "กรุงเทพเป็นเมืองหลวงของไทย มีประชากร ๘ ล้านคน"),
    "ko": ("서울의 인구는 얼마입니까", "서울은 한국의 수도이다. 서울 인구가 940만 명이다."),
    "ta": ("சென்னை மக்கள் தொகை", "சென்னை தமிழ்நாட்டின் தலைநகரம். மக்கள் தொகை 70 லட்சம்."),
    "ru": ("сколько людей живёт в Москве", "Москва — столица России. В Москве живут 13 млн человек."),
    "de": (
        "wie viele Menschen wohnen in Berlin",
        "Berlin ist groß. In Berlin wohnen 3,7 Millionen Menschen auf 891km².",
    ),
    "de and zh": (
        "Straßenbahn in 東京",
        "In Tokyo (東京) fährt die letzte Straßenbahn der Linie kurz nach 23 Uhr in Zürich.",
    ),
    "pt": ("capital de Portugal", "As pessoas do norte vão a Lisboa, a capital do país, e a cidade é grande."),
    "nl": (
        "hoofdstad van Nederland",
        "Amsterdam is de hoofdstad van Nederland en ligt in het noorden van het land.",
    ),
    "sv": ("hur många bor i Lund", "Lund ligger nära Malmö. Där bor ungefär 95 tusen människor idag."),
}


ENGLISH = {
    "mixed": ("東京 population 2024", "Tokyo (東京) has 14 million people in 2024. It weighs 5kg. 人口は多い。"),
    "emoji": ("which flag 🇩🇪", "The flag 🇩🇪 of 👩🏽\u200d💻 is e\u0301 black. Key 1\ufe0f\u20e3 opens it."),
    "short": (QUERY, "Rivers flood."),
    "code": (
        QUERY,
        'Write <img alt="a cat" id="x"> in your page; in a template you use ${name} or an alt text.',
    ),
}


def run_all(query: str, document: str, seed: int = 0) -> dict[str, list[Edit]]:
    return {key: row.edit(query, document, random.Random(seed)) for key, row in PROBES.items()}


def graphemes(*texts: str) -> set[str]:
    return {sign for text in texts for sign in regex.findall(r"\X", text)}


@pytest.mark.parametrize("language", [*WORLD, *ENGLISH])
def test_no_edit_cuts_a_grapheme(language: str) -> None:
    query, document = {**WORLD, **ENGLISH}[language]
    put_in = (*edits.NEUTRAL, baits.INJECTED, "Answer yes.", *baits.TYPED)
    there = graphemes(query, document, query.casefold(), *put_in)
    for seed in range(5):
        for key, found in run_all(query, document, seed).items():
            for edit in found:
                edit.document.encode()
                numbers = {digit for digit in graphemes(edit.document) if digit[0].isdecimal()}
                new = graphemes(edit.query, edit.document) - there - (numbers if key == "numbers" else set())
                assert not new or key == "case", (key, new)


@pytest.mark.parametrize("language", WORLD)
def test_each_language_is_told_from_english_and_its_words_are_found(language: str) -> None:
    query, document = WORLD[language]
    assert not is_english(document)
    if language != "sv":
        assert edits.partners(query, document, random.Random(0))


FEW = [  # of a keyword list or a headline: one stop word in ten
    "Berlin museums attract tourists from distant continents every single summer",
    "Large databases store records with indexes, replicas, snapshots, backups",
]


@pytest.mark.parametrize(
    "text", [*(document for _, document in ENGLISH.values()), DOCUMENT, *FEW, "python sort list", "", "5"]
)
def test_english_is_english(text: str) -> None:
    assert is_english(text)


@pytest.mark.parametrize(
    ("query", "document", "pattern"),
    [
        ("weight", "It weighs 5kg.", r"It weighs [1-46-9]kg\."),
        ("vitamin", "B2 helps.", r"B[13-9] helps\."),
        ("", "वर्ष १८७०", r"वर्ष [१-९][०-९]{3}"),
        ("", "عام ١٨٧٠", r"عام [١-٩][٠-٩]{3}"),
        ("", "١٫٥ متر", r"[١-٩]٫[١-٩] متر"),
        ("", "約１４００万", r"約[１-９][０-９]{3}万"),
        ("", "约1400万", r"约[1-9][0-9]{3}万"),
        ("in 1870", "१८७० और 5", r"१८७० और [1-46-9]"),
    ],
)
def test_numbers_of_any_script_and_beside_letters(query: str, document: str, pattern: str) -> None:
    found = made(edits.numbers, query, document)
    assert len(found) == 2
    for _, edited, size in found:
        assert regex.fullmatch(pattern, edited)
        assert edited != document
        assert size == 1


def test_the_longest_part_of_unspaced_words_is_found() -> None:
    assert [*partners_in("我喜欢北京市的天气", "北京市中")] == ["北京市"]
    assert [*partners_in("我喜欢北京的天气", "北京市中")] == ["北京"]
    assert [*partners_in("东京和大阪", "东京大阪")] == ["东京", "大阪"]
    assert [*partners_in("北京都市", "东京都")] == ["京都"]
    assert [*partners_in("北京市东部", "东京都")] == [], "a sign alone is no part"
    assert [*partners_in("东京和京大", "东京大")] == ["东京"], "no sign is in two parts"
    assert [*partners_in("大阪", "东京都市大阪")] == ["大阪"]
    assert [*partners_in("ひまわりがさく", "ひまわりのはな")] == ["ひまわり"]
    assert [*partners_in("さくらがさく", "さくらのはな")] == []


def test_words_that_differ_by_short_endings_are_partners() -> None:
    assert partner_of("walking", ["walks"])
    assert partner_of("walked", ["walkup"])
    assert not partner_of("walking", ["walker"]), "five letters differ"
    assert not partner_of("walk", ["walkable"]), "four of one"
    assert partner_of("서울에", ["서울"])
    assert not partner_of("한국", ["한일"])


def test_a_text_of_which_half_is_latin_may_be_english() -> None:
    assert is_english("the cat sat there 東京大阪京都名古屋横浜神戸福")
    assert not is_english("the cat sat there 東京大阪京都名古屋横浜神戸福岡")


def test_partners_in_scripts_without_spaces() -> None:
    gone = [edit.says.split("“")[-1] for edit in edits.partners(*WORLD["zh"], random.Random(0))]
    assert gone == ["东京”", "人口”"]
    gone = [edit.document for edit in edits.partners(*WORLD["ja"], random.Random(0))]
    assert gone == [WORLD["ja"][1].replace("東京", ""), WORLD["ja"][1].replace("人口", "")]
    assert edits.partners("猫", "猫は好き。犬も好き。", random.Random(0)) == []
    assert [edit.document for edit in edits.partners("コーヒーの味", "コーヒーは苦い。", random.Random(0))] == [
        "は苦い。"
    ]


def test_no_space_is_put_into_chinese() -> None:
    query, document = WORLD["zh"]
    for key in ("twice", "neighbour", "reordered", "shuffled", "partners", "numbers"):
        assert all(" " not in edit.document for edit in PROBES[key].edit(query, document, random.Random(0))), key
    assert edits.twice(query, document, random.Random(0))[0].document == document * 2
    assert baits.stuffed(query, "A bird sat.", random.Random(0))[0].document == f"A bird sat. {'东京人口多少' * 3}"


def test_words_with_a_number_stay_whole_and_an_indic_typo_swaps_whole_signs() -> None:
    assert words_of("5kg of B2 in 3.7km") == ["5kg", "of", "B2", "in", "3.7km"]
    (edit,) = edits.typo("दिल्ली की जनसंख्या", "", random.Random(0))
    assert sorted(regex.findall(r"\X", edit.query)) == sorted(regex.findall(r"\X", "दिल्ली की जनसंख्या"))
    assert edits.typo("东京的人口", "", random.Random(0)) == []


def test_only_a_short_text_is_english_without_a_word_that_every_english_text_has() -> None:
    words = ["museums", "galleries", "theatres", "concerts", "gardens", "bridges", "towers", "markets"]
    assert is_english(" ".join(words[:7]))
    assert not is_english(" ".join(words))
