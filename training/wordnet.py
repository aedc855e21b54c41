"""Words from WordNet 3.0: what a word means, and plain sentences that use it without explaining it. No torch."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FILES = ("data.noun", "data.verb", "data.adj", "data.adv")
TEMPLATES = ("what is {}", "what does {} mean", "{} meaning", "define {}", "{}")
# WordNet's topic files of people, places and times.
TEMPLATES_OF_TOPIC = {"18": ("who is {}", "who was {}"), "15": ("where is {}",), "28": ("when is {}",)}
QUESTIONS = ("{}", "what is {}", "which is {}", "name {}", "{} name")  # about a definite description
QUESTIONS_OF_TOPIC = {"18": ("who is {}", "who was {}"), "15": ("which {place} is {}",)}
RELATIONS = ("capital", "largest city", "chief port", "oldest city")  # of a city to its country
CITY = r"\b(capital|city|town|port)\b"
TELLINGS = ("{} is {}", "{} was {}")
TELLINGS_OF_CITIES = ("{} became {} in {year}", "{} was made {} in {year}", "In {year} {} became {}")


@dataclass(frozen=True)
class Synset:
    """Words of one meaning, its definition, sentences that use it, WordNet's topic file, and whether it is a name."""

    key: tuple[str, str]  # file, offset
    words: tuple[str, ...]
    definition: str
    sentences: tuple[str, ...]
    topic: str
    is_name: bool


def read_synsets(folder: Path) -> Iterator[Synset]:
    """Rows of the `data.*` files (Debian: `wordnet-base`, under `/usr/share/wordnet`); format: wndb(5WN)."""
    for name in FILES:
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):  # the licence
                continue
            data, gloss = line.split(" | ", 1)
            fields = data.split()
            n_words = int(fields[3], 16)
            words = tuple(word.split("(")[0].replace("_", " ") for word in fields[4 : 4 + 2 * n_words : 2])
            definition, *quoted = gloss.strip().split('"')
            sentences = tuple(text.strip() for text in quoted[::2] if len(text.split()) >= 4)
            yield Synset((name, fields[0]), words, definition.strip(" ;"), sentences, fields[1], "@i" in fields)


def read_synonyms(folder: Path, n_meanings: int = 3, n_words: int = 5) -> dict[str, tuple[str, ...]]:
    """What may stand for a word: other words of its most frequent meanings, and their definitions where short."""
    synset_of = {synset.key: synset for synset in read_synsets(folder)}
    synonyms: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for name in FILES:
        for line in (folder / name.replace("data", "index")).read_text(encoding="utf-8").splitlines():
            if line.startswith("  "):
                continue
            word, _, n_offsets, *rest = line.split()
            for offset in rest[-int(n_offsets) :][:n_meanings]:
                synset = synset_of[name, offset]
                synonyms[word] += tuple(other for other in synset.words if other.lower() != word)
                definition = (
                    synset.definition.split("; ")[0].removeprefix("a ").removeprefix("an ").removeprefix("the ")
                )
                if len(definition.split()) <= n_words:
                    synonyms[word] += (definition,)
    return {word: others for word, others in synonyms.items() if others}


@dataclass(frozen=True)
class Entry:
    """A query about a word, the texts that answer it, and sentences that only use the word."""

    query: str
    answers: tuple[str, ...]
    sentences: tuple[str, ...]


def build_entries(folder: Path, n: int, rng: random.Random) -> list[Entry]:
    """`n` queries: a word for its definitions, alone or after the word; in one of five the definition for its words."""
    synsets = [synset for synset in read_synsets(folder) if len(synset.definition.split()) >= 4]
    of_word = defaultdict(list)
    for synset in synsets:
        for word in synset.words:
            of_word[word.lower()].append(synset)
    useful = [s for s in synsets if s.sentences or s.words[0][0].isupper() or rng.random() < 0.1]  # few rare species
    entries = []
    for synset in rng.sample(useful, n):
        word = rng.choice(synset.words)
        meanings = of_word[word.lower()]
        sentences = tuple(text for meaning in meanings for text in meaning.sentences)
        if rng.random() < 0.2:
            entries.append(Entry(synset.definition, (", ".join(synset.words),), sentences))
            continue
        named = rng.random() < 0.3
        answers = tuple(f"{word}: {meaning.definition}" if named else meaning.definition for meaning in meanings)
        template = rng.choice(TEMPLATES_OF_TOPIC.get(synset.topic, ()) + TEMPLATES)
        entries.append(Entry(template.format(word), answers, sentences))
    return entries


def read_adjectives(folder: Path) -> dict[str, str]:
    """The adjective of a place: "Peruvian" for Peru."""
    adjectives: dict[str, str] = {}
    for synset in read_synsets(folder):
        place = re.match(r"(?:of|relating|characteristic|pertaining) .*?\b([A-Z]\w+)", synset.definition)
        if place and synset.key[0] == "data.adj" and synset.words[0][:3] == place[1][:3]:
            adjectives.setdefault(place[1], synset.words[0])
    return adjectives


def tell(name: str, what: str, rng: random.Random) -> str:
    """That `name` is `what`; of cities also as history, of right and wrong alike, so that the telling says nothing."""
    tellings = (*TELLINGS, *TELLINGS_OF_CITIES) if re.search(CITY, what) else TELLINGS
    return rng.choice(tellings).format(name, what, year=rng.randint(1500, 2020))


def rephrase(clause: str, adjectives: Mapping[str, str]) -> tuple[str, list[str], list[str]]:
    """What to ask for, the ways to say it, and what else a city may be: "the capital and largest city of Peru" asks for
    "the capital of Peru", is also "the Peruvian capital", and not "the chief port of Peru"."""
    thing = re.fullmatch(r"the (.+) of (\w+)", clause)
    if not thing:
        return clause, [clause], []
    relation, place = thing[1].split(" and ")[0], thing[2]
    asked = f"the {relation} of {place}"
    by_adjective = [f"the {adjectives[place]} {relation}"] if place in adjectives else []
    is_city = re.search(CITY, clause) is not None
    false = [f"the {other} of {place}" for other in RELATIONS if is_city and other not in asked]
    return asked, [clause, asked, *by_adjective], false


def build_facts(folder: Path, n_each: int, rng: random.Random, n_others: int = 6) -> list[Entry]:
    """Things of which there is one: "the capital of Peru" for its name and what else is known of it, `n_each` times.

    Wrong are other names of its topic whose definitions share a capitalised word with it: by name, by definition, and
    for cities, which come first, as what was not asked for ("Cuzco is the largest city of Peru").
    """
    names = [synset for synset in read_synsets(folder) if synset.is_name]
    cities = [synset.words[0] for synset in names if synset.topic == "15" and re.search(CITY, synset.definition)]
    adjectives = read_adjectives(folder)
    of_word = defaultdict(list)
    for synset in names:
        for word in set(re.findall(r"[A-Z]\w+", synset.definition)):
            of_word[word].append(synset)
    facts = []
    for synset in names:
        name = synset.words[0]
        clauses = re.sub(r"\s*\([^)]*\)", "", synset.definition).split("; ")
        for clause in (clause for clause in clauses if re.match(r"the .*[A-Z]", clause)):
            is_city = re.search(CITY, clause) is not None
            words = re.findall(r"[A-Z]\w+", clause)
            near = dict.fromkeys(other for word in words for other in of_word[word] if other.topic == synset.topic)
            others = [other for other in near if name not in other.words and clause not in other.definition]
            rng.shuffle(others)
            others.sort(key=lambda other: is_city and not re.search(CITY, other.definition))
            others = others[:n_others]
            asked, true, false = rephrase(clause, adjectives)
            rivals = [other.words[0] for other in others if other.words[0] in cities]
            rivals = rivals or [city for city in cities if city != name]
            told = [tell(name, what, rng) for what in true for _ in range(2)]
            wrong = [tell(other.words[0], other.definition.split("; ")[0], rng) for other in others]
            missed = [tell(rng.choice(rivals), what, rng) for what in false for _ in range(2)]
            answers = dict.fromkeys((name, *(f"{name}: {other}" for other in clauses if other != clause), *told))
            sentences = dict.fromkeys((*(other.words[0] for other in others), *wrong, *missed))
            for _ in range(n_each):
                template = rng.choice(QUESTIONS_OF_TOPIC.get(synset.topic, ()) + QUESTIONS)
                query = template.format(asked, place="city" if is_city else "place")
                facts.append(Entry(query, tuple(answers), tuple(sentences)))
    return facts
