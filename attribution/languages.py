"""Which language a text is in, as far as its sentences depend on it; which of its signs end none, or open none."""

from collections import Counter

import regex


def _any_of(words: str) -> regex.Pattern[str]:
    """Any of `words`, as it is or with a capital, and a dot behind it, at the end of a text."""
    forms = sorted({form for word in words.split() for form in (word, word[0].upper() + word[1:])})
    spaced = "|".join(regex.escape(form).replace(r"\.", r"\.?\s?") for form in forms)
    return regex.compile(rf"(?<![\p{{L}}\p{{M}}\p{{N}}.])(?:{spaced})\.\s*$")


# Whose abbreviations are heeded: by script, and among the languages in Latin letters by their frequent words.
_SCRIPTS = {"Cyrillic": "ru", "Greek": "el", "Armenian": "hy", "Malayalam": "ml", "Han": "zh", "Hiragana": "ja"}
_SCRIPTS |= {"Arabic": "ar", "Hebrew": "he", "Devanagari": "hi", "Bengali": "bn", "Thai": "th", "Hangul": "ko"}
_IN_SCRIPT = {language: regex.compile(rf"\p{{{script}}}") for script, language in _SCRIPTS.items()}
FREQUENT = {
    "en": "the of and to is was that for with are as this by an it he she",
    "de": "der die das und ist nicht ein eine mit von den für auf im dem er sie es am",
    "fr": "le la les et est des une dans pour que du qui pas au il elle",
    "es": "el la los las y es en una por con del que se",
    "it": "il la di che è e per una non con del della sono gli",
    "pt": "o a os as e é em uma por com não do da que",
    "nl": "de het een en van is dat niet op met voor zijn",
    "pl": "i w na z do nie się jest to że o jak po",
    "sv": "och att det som på är av för inte till har den",
    "da": "og det på til af ikke som jeg blev også han har",
    "cs": "je na se že v jako ale byl jsou při podle nebo",
    "ro": "și în cu pe nu este că din sau lui sunt care",
    "hu": "az és hogy nem egy van csak meg volt vagy",
    "fi": "ja ei että oli hän mutta kun myös ovat sen",
    "tr": "ve bir bu için ile çok olan daha gibi olarak",
}
# Abbreviations that `sentencex` lacks, of any language: none is a word that ends a sentence in another. They stand as
# they are, or with a capital. Never an end: titles, and what an example or a name follows.
_LEADING = _any_of(
    "akad bijv bl.a bpk bspw bw bzgl cfr de.ex dkt doç dott dr drs esim evtl exma exmo f.eks ggf hl inż jl jln "
    "jud ks mevr mgr napr np npr nt o.a p.ex piem prof proff pvz sig sig.ra sog srta str św t.ex tzv tzw ul úm ún "
    "vgl vrt Av BS Dl GS Hr PGS Pr TP TS ThS Tp акад вул гр доц др инж ім напр нпр просп проф т.зв тзв ул δρ κα καθ "
    "π.χ ე.წ פרופ திரு திருமதி"
)
_BEFORE_NUMBERS = _any_of(
    "abb abs art bd blz cap chap eq eqs fig figs hfst kap kl nr no núm núms pag pág págs pagg pp rys sect sid str "
    "tab vol гл илл рис ст стр табл עמ ص"
)
_TRAILING = _any_of("al dll dsb ecc etc itd jne kt osv stb usw vb vs ა.შ")  # an end, but before a small letter
_WORD = regex.compile(r"\p{L}++(?!\.)")  # not the letters of "d.w.z."
_LETTER = regex.compile(r"\p{L}")
_DANDA = regex.compile(r"[\u0964\u0965]")
_INDIC = r"\p{Deva}\p{Beng}\p{Gujr}\p{Guru}\p{Knda}\p{Telu}\p{Taml}\p{Mlym}\p{Orya}\p{Sinh}"
_INDIC_END = regex.compile(rf"[\p{{L}}&&[{_INDIC}]]\p{{M}}*\.\s*$", regex.V1)
_SYLLABLE = rf"[\p{{L}}&&[{_INDIC}]]\p{{M}}*"  # joined to the next where its last mark is a virama
_ABBREVIATED = regex.compile(
    rf"(?<![\p{{L}}\p{{M}}])(?:{_SYLLABLE}(?:(?<=\p{{InSC=Virama}}){_SYLLABLE})*|\p{{Arab}}\p{{M}}*)\.\s*$", regex.V1
)
_SHORT = regex.compile(r"(?<!\p{L})\p{L}{1,4}\.\s*$")
_SMALL = regex.compile(r"\P{L}*\p{Ll}")
_THAI = regex.compile(r"\p{Thai}\.\s*$")  # no sentence ends with a dot there
# Of "U.S.A.", and of "Dipl.-Ing.".
_INSIDE = regex.compile(r"(?<=(?<![\p{Ll}\p{Lu}\p{M}])\p{L}\.)(?=\p{L})|(?<=\p{L}\.)(?=-\p{L})")
_NUMBER = regex.compile(r"[^\p{L}\p{N}]*\p{N}")
# Pairs within which no sentence ends: a tag, a short quote, brackets. And what is none, or half of one: "p<0.05",
# "(2)", "2)", 55", "it’s", the quotes around more than a sentence, and bullets, whose items may have several.
_PAIRS = regex.compile(
    r"""(?P<pair></?[A-Za-z][^<>.]*>|(?<!\S)"[^"]{,120}(?<!\s)"|“[^”]{,120}”|„[^“”]{,120}[“”]|«[^»]{,120}»|「[^」]{,120}」"""
    r"""|(?<![\p{L}\p{N}\p{P}])['‘](?:[^'’]|['’](?=\p{L})){,120}(?<!\s)['’](?!\p{L})"""
    r"""|\((?!(?:\p{N}{1,3}|\p{L}|[ivxIVX]{2,5})\))(?:[^()]++|\([^()]*+\))*+\))"""
    r"""|(?P<closing>(?<=\S)")|\([\p{L}\p{N}]{1,5}\)|[<>()`"„«「‚‛‟]|[•⁃⁌⁍■□▪▫▶▸►◆◇○●◦★☆➢➣➤]"""
    r"""|(?<![\p{L}\p{N}\p{P}])["“'‘]|(?<=\p{L})’(?=\p{L})"""
)
_CAPITAL = regex.compile(r"\P{L}*\p{Lu}")
_QUOTED = regex.compile(r"""["”“’»」]\s*$""")


def language_of(text: str) -> str:
    """The language of `text` that `sentencex` is told, as it knows abbreviations by it."""
    signs = {language: len(script.findall(text)) for language, script in _IN_SCRIPT.items()}
    if signs["ja"]:  # kana stand in no Chinese text, but Han stand in a Japanese one
        signs["ja"] += signs["zh"]
    script = max(signs, key=lambda language: signs[language])
    if signs[script] * 2 > len(_LETTER.findall(text)):
        return script
    counts = Counter(_WORD.findall(text.casefold()))
    return max(FREQUENT, key=lambda language: sum(counts[word] for word in set(FREQUENT[language].split())))


def without_lone_signs(text: str) -> str:
    """`text`, as long, without what is half a pair, or a bullet: `sentencex` sees no end between one and the next."""

    def sign(found: regex.Match[str]) -> str:
        return found[0] if found["pair"] else "”" if found["closing"] else "-" * len(found[0])

    return _PAIRS.sub(sign, text)


def abbreviates(text: str, line: str, end: int, language: str) -> bool:
    """Whether the dot before `end` in a `line` of `text` belongs to an abbreviation that `sentencex` does not know.

    The tables above hold such; dots within a word and those of Thai are no end either. One syllable of an Indian
    script, or one Arabic letter, is one ("डॉ.", "د."), and any word of such a script where sentences end with a danda.
    In other languages than English, in texts that begin with a capital, so are up to four letters before a small one
    ("tj. w").
    """
    before = line[max(0, end - 40) : end]
    if _QUOTED.search(before) and _SMALL.match(line, end):
        return True  # "“Is it?” she asked"
    if not before.rstrip().endswith("."):
        return False
    leads = _LEADING.search(before) or (_BEFORE_NUMBERS.search(before) and _NUMBER.match(line, end))
    trails = _TRAILING.search(before) and _SMALL.match(line, end)
    if leads or trails or _THAI.search(before) or _INSIDE.match(line, end):
        return True
    if _ABBREVIATED.search(before) or (_INDIC_END.search(before) and _DANDA.search(text)):
        return True
    cased = language != "en" and _CAPITAL.match(text)
    return bool(cased and _SHORT.search(before) and _SMALL.match(line, end))
