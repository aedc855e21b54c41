"""Sentences as a reader would end them; joined again they are the text, whatever it is."""

from __future__ import annotations

from itertools import accumulate

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from attribution.words import MAX_SENTENCES, MAX_WORDS, pieces, sentences_of

SIGNS = "aé1.3'-,;:!?…()\t\n\r\v\u2028\u00a0\u200b\u200d\u0301中。，にカไ😀👩🏽‍👧ßאعक्।؟한\0\x85\ud800"
texts = (
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.text(alphabet=SIGNS)
    | st.lists(st.sampled_from([*SIGNS, "Dr.", "berlin"]), max_size=200).map(" ".join)
)
LONG = "one two three four five six seven eight nine ten"


@pytest.mark.parametrize(
    "parts",
    [
        ["One. ", "Two?\n", "Three!  ", "Four"],
        ["O! ", "It is so. ", "End."],
        ["Dr. Smith paid 3.7 million. ", "He left at 5 p.m. with Mr. Jones."],
        ["At p<0.05 it rose. ", "Then it fell. ", "Of those >80% died. ", "It is <b>so. ", "Or not</b>. ", "End."],
        ['A 55" TV is here. ', 'He read "Catch 22". ', 'A 65" one is there. ', '"No. It is not" is it. ', "End."],
        ["It was ‘so. ", "It’s not. ", "'Tis in the '90s. ", "It is '80s. ", "End."],
        ["“Is it so?” she asked. ", "“No. It is not!” he said. ", "End."],
        *(
            [
                f"He said: {opening}I know. ",
                f"We {LONG} ten. ",
                f"It {LONG} ten. ",
                f"Fine.{closing} ",
                "Then they left. ",
                "End.",
            ]
            for opening, closing in ("“”", '""', "''", "‘’", "„“", "«»")
        ),
        ["He said: “I know. ", f"We {LONG} ten. ", f"It {LONG} ten.” she said. ", "End."],
        [
            "It has (1) a door, (2) a room. ",
            "It is big. ",
            "It costs (a) more, (ii) less. ",
            "It is (so. Or not). ",
            "End.",
        ],
        [
            "It has 1) a door, 2) a room. ",
            "It (1 or 2) is big. ",
            "The sum (of 3) is (at least) 4. ",
            "See (this. ",
            "It is (so). ",
            "End.",
        ],
        ["Das gilt z. B. Berlin. ", "Es kamen ca. 5 Gäste, d. h. am 3. Mai. ", "Ja."],
        ["El Sr. López vive en EE. UU. y es de la ciudad. ", "Sí."],
        ["M. Dupont est dans la ville. ", "Oui."],
        ["Это г. Москва, ул. Ленина. ", "Да."],
        ["Τι είναι αυτό; ", "Αυτό."],
        ["Ur. w 1990 r. w Polsce, tj. nie w Rosji, o godz. 5 itd. i dalej. ", "Potem m.in. pracował."],
        ["to jest dom. ", "jest duży. ", "nie ma go."],
        ["Han bor t.ex. i Lund, dvs. inte här. ", "Det är bra."],
        ["Иванов, т. е. он, здесь. ", "Да."],
        ["Dhr. Jansen woont o.a. in de stad, d.w.z. niet hier. ", "Ja."],
        ["डॉ. शर्मा आए। ", "श्री. गुप्ता एम.ए. हैं। ", "वे गए।"],
        ["डॉ. पाटील आले. ", "ते गेले."],
        ["ডা. রহমান এসেছেন। ", "তিনি গেলেন।"],
        ["د. أحمد طبيب. ", "هو هنا."],
        ["Kävin siellä. ", "Esim. Turku on kaunis, prof. Virtanen mm. ja jne. ja niin. ", "Se on vanha. ", "Hän on."],
        ["TS. Nguyễn Văn A và PGS. TS. Hoa ở TP. Hồ Chí Minh. ", "Họ rất vui."],
        ["Dr. Ahmet, Doç. Ayşe ve Av. Mehmet geldi. ", "Elma, armut vb. meyveler var. ", "O bir ev. ", "Bu da su."],
        ["Er zijn bijv. veel fietsen. ", "Bijv. Utrecht en mevr. Jansen, blz. 3. ", "Zij niet."],
        ["Je to např. Praha, tzv. Karlův most. ", "Napr. Brno je menší. ", "To je on. ", "A je to ten les."],
        [
            "Груши и т. д. и сливы, напр. Москва, ул. Пушкина, рис. 3 и стр. 5. ",
            "Было в 1990 г. в Москве. ",
            "Это он. ",
        ],
        ["Це т. зв. Київ, вул. Хрещатик. ", "Ім. Шевченка, акад. Патон. ", "Там ліс. ", "Тут дім."],
        ["То је нпр. Београд и тзв. Нови Сад. ", "Др. Петровић је ту. ", "То је све."],
        ["Υπάρχουν π.χ. Αθήνα και κα. Μαρία. ", "Το 300 π.Χ. ήταν εκεί. ", "Αυτός είναι. ", "Ναι."],
        ["Det finns t.ex. Stockholm och bl.a. Lund. ", "T.ex. Lund är en stad. ", "Den är ny."],
        ["Der er f.eks. Aarhus. ", "F.eks. Odense og ca. 5 km. ", "Det er nu. ", "Han er ude."],
        ["Ez pl. Budapest, stb. és ún. Nagy. ", "Pl. Szeged is szép. ", "Ez az. ", "Az egy ló."],
        ["Ud. Puede venir con la Sra. Gómez a la Av. Libertad, pág. 5, etc. y más. ", "Eso es. ", "La luz es de sol."],
        ["O Exmo. Senhor Silva mora na Av. Paulista, p. ex. no centro. ", "Eu sou. ", "O mar é azul."],
        ["Ci sono mele, ecc. e altro, il dott. Rossi e la sig.ra Bianchi. ", "Io sono. ", "Il mare è blu."],
        [
            "Dl. Popescu stă pe str. Mare, jud. Cluj, în oraș. ",
            "De ex. București este mare. ",
            "El este. ",
            "Și nu este rău.",
        ],
        [
            "Es kamen bspw. Schmidt und Fr. Müller, Dipl.-Ing. von Beruf, vgl. S. 3. ",
            "Der Hl. Geist ist da. ",
            "Das ist er. ",
            "Es ist gut.",
        ],
        ["Le Pr. Blanc et Mme. Dupont sont là, av. Foch, etc. et c'est tout. ", "C'est lui. ", "Il est là."],
        [
            "Inż. Nowak, ks. Jan, św. Anna, mgr. Kowal i tzw. Kraków. ",
            "Np. Warszawa jest duża. ",
            "To on. ",
            "Nie jest to dom.",
        ],
        ["Bpk. Joko tinggal di Jl. Sudirman No. 5, dll. juga. ", "Itu saja."],
        [
            "See Fig. 3, Eq. 5, vol. 3 and pp. 7. ",
            "He ate a fig. ",
            "It rained in May. ",
            "He lives on Main St. ",
            "The end.",
        ],
        ["פרופ. לוי בא, עמ. 5 בספר. ", "זה הוא. ", "כן."],
        ["أ. د. محمد طبيب، ص. 5 هنا. ", "هذا هو. ", "نعم."],
        ["प्रो. वर्मा और पं. नेहरू आए। ", "यह वह है। ", "हाँ।"],
        ["திரு. ராமன் வந்தார். ", "அவர் சென்றார்."],
        ["ეს არის ე.წ. თბილისი. ", "ის დიდია."],
        ["彼はU.S.A.に行った。", "次。"],
        ["ดร. สมชาย มาแล้ว"],
        ["He said «वह आया।» to us. ", "It was old. ", "Then he left."],
        ["我来。", "你去！", "好吗？", "是"],
        ["行きます。", "次！"],
        ["मैं जाता हूँ। ", "तुम आओ।"],
        ["كيف حالك؟ ", "أنا بخير."],
        ["A heading\n\n", "- first item\n", "- second item. ", "With more.\r\n", "\u2022 third\r", "4. Fourth one"],
        ["1. First. ", "2. Second. 3"],
        ["Well 😀! ", "Good 😀. ", "So. 😀"],
        ["  \n Leading space. ", "Trailing space. \n \n "],
        ["\u200b\n"],
    ],
)
def test_sentences_a_reader_would_end(parts: list[str]) -> None:
    assert sentences_of("".join(parts)) == parts


def test_no_sign_hides_an_end() -> None:
    """Whichever stands in front of words or of numbers, but for those that end a sentence themselves, and Thai."""
    signs = [chr(code) for code in range(0x21, 0x3100)]
    signs = [sign for sign in signs if regex.match(r"[\p{P}\p{S}--\p{STerm}\p{Thai}․‥…‼‽⁇⁈⁉]", sign, regex.V1)]
    assert len(signs) > 1000
    for sign in signs:
        parts = [f"{sign} So it is. ", f"A {sign}big dog. ", "It is. ", f"A {sign}5 m is it. ", "End."]
        assert sentences_of("".join(parts)) == parts


@settings(max_examples=60)
@given(texts)
def test_joined_again_they_are_the_text(text: str) -> None:
    parts = sentences_of(text)
    assert "".join(parts) == text
    assert len(parts) <= MAX_SENTENCES
    assert not text.strip() or all(part.strip() for part in parts)


def test_a_long_stretch_is_cut_behind_clauses() -> None:
    clauses = [f"{LONG}, ", f"{LONG} {LONG}; ", f"{LONG} 3,7 {LONG}, ", f"{LONG}."]
    parts = sentences_of("".join(clauses))
    assert parts == ["".join(clauses[:2]), "".join(clauses[2:])]
    assert sentences_of("".join(clauses[1:3])[:-2] + ".") == [clauses[1], clauses[2][:-2] + "."]
    assert sentences_of(f"{LONG} {LONG}, {LONG} ten, ten.") == [f"{LONG} {LONG}, {LONG} ten, ten."]  # 36 words
    for before in ("So. ", "Yes. "):
        assert sentences_of(before + "".join(clauses)) == [before, *parts]
    forty = " ".join([LONG] * 4)
    assert [len(sentences_of(text)) for text in (forty, f"{forty} more")] == [1, 2]


@pytest.mark.parametrize("separator", [" ", ", ", "\u3000"])
@pytest.mark.parametrize("word", ["cat", "don't", "3,700.5", "well-known"])
def test_no_word_is_cut(word: str, separator: str) -> None:
    parts = sentences_of(separator.join([word] * 300))
    assert len(parts) > 7
    assert {w for part in parts for w in regex.split(r",?\s+", part) if w} == {word}
    assert max(len(part.split()) for part in parts) <= MAX_WORDS


@pytest.mark.parametrize(("n_before", "cut"), [(15, True), (45, True), (14, False), (46, False)])
def test_a_clause_counts_that_ends_in_the_middle_half(n_before: int, cut: bool) -> None:
    """Of 60 words; else the sentence is cut between the two words next to its middle."""
    words = ["word"] * 60
    words[n_before - 1] += ","
    ends = [*accumulate(len(part.split()) for part in sentences_of(" ".join(words) + "."))]
    assert (n_before in ends, 30 in ends) == (cut, not cut)


def test_scripts_without_spaces_are_cut_behind_their_clauses_only() -> None:
    clause = "机器学习很有趣" * 5 + "，"
    assert sentences_of(clause * 4) == [clause * 2] * 2
    assert sentences_of("机器学习很有趣" * 30) == ["机器学习很有趣" * 30]


def test_more_than_sixty_are_put_together_evenly() -> None:
    lines = [f"line {i}\n" for i in range(150)]
    groups = sentences_of("".join(lines))
    assert len(groups) == 60
    assert {group.count("\n") for group in groups} == {2, 3}
    assert len(pieces("".join(lines))) == 150
    assert sentences_of("".join(lines[:60])) == lines[:60]


@pytest.mark.parametrize("text", ["Ok, " + "ก" * 120, "Ok " + "水" * 100, "水" * 100 + " ok"])
def test_where_one_gap_is_all_there_is_it_is_cut_there(text: str) -> None:
    at = text.index(" ") + 1
    assert [text[slice(*span)] for span in pieces(text)] == [text[:at], text[at:]]
