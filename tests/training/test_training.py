"""The training data: what is cleaned, drawn, hidden and blanked, on small files in the real formats."""

import gzip
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from training.average import average
from training.data import (
    Example,
    blank,
    build_pool,
    choose_passages,
    clean,
    content_words,
    hide,
    miss,
    overlap,
    stuff,
    thin,
    vary,
)
from training.wordnet import RELATIONS, build_entries, build_facts, read_adjectives, read_synonyms, read_synsets

# Three lines of the shape of WordNet's own data.noun: offset, topic, kind, words, pointers, gloss.
DATA_NOUN = """  1 This software and database is being provided to you, the LICENSEE
08672738 15 n 02 hamlet 0 crossroads 0 001 @ 08665504 n 0000 | a community of people smaller than a village
09591386 18 n 01 Hamlet 0 001 @i 09587565 n 0000 | the hero of a tragedy who hoped to avenge his father
07997703 14 n 02 batch 0 clutch 0 001 @ 07951464 n 0000 | a collection of things; "she baked a batch of rolls"; "tiny"
"""
# Lines of index.noun: word, kind, number of meanings, pointers, meanings again, tagged ones, offsets by frequency.
INDEX_NOUN = """  1 This software and database is being provided to you, the LICENSEE
hamlet n 2 1 @ 2 1 08672738 09591386
batch n 1 1 @ 1 1 07997703
"""


@pytest.fixture
def wordnet(tmp_path: Path) -> Path:
    (tmp_path / "data.noun").write_text(DATA_NOUN)
    (tmp_path / "index.noun").write_text(INDEX_NOUN)
    for name in ("data.verb", "data.adj", "data.adv", "index.verb", "index.adj", "index.adv"):
        (tmp_path / name).write_text("")
    return tmp_path


def write_jsonl(path: Path, rows: list[dict]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    squad = [{"query": f"question {i} ?", "positive": f"sentence number {i} .", "source": "squad"} for i in range(30)]
    qed = [{"query": "who wrote it", "positive": "An author wrote it.", "source": "qed", "title": "It"}]
    write_jsonl(tmp_path / "train_pairs.jsonl.gz", squad + qed)
    selqa = {"candidates": ["Yes.", "No.", "Maybe."], "relevant": [1], "article": "A", "section": "S"}
    splits = [{**selqa, "query": "is it so?", "split": "train"}, {**selqa, "query": "held out?", "split": "dev"}]
    write_jsonl(tmp_path / "candidates.jsonl.gz", splits)
    return tmp_path


def test_wordnet_lines_become_words_definition_and_sentences(wordnet: Path) -> None:
    hamlet, person, batch = read_synsets(wordnet)
    assert hamlet.words == ("hamlet", "crossroads")
    assert hamlet.definition == "a community of people smaller than a village"
    assert (hamlet.topic, person.topic) == ("15", "18")
    assert batch.definition == "a collection of things"
    assert batch.sentences == ("she baked a batch of rolls",)  # one word is no sentence


def test_synonyms_are_other_words_and_short_definitions_of_the_most_frequent_meanings(wordnet: Path) -> None:
    assert read_synonyms(wordnet, n_meanings=1) == {
        "hamlet": ("crossroads",),
        "batch": ("clutch", "collection of things"),
    }
    assert read_synonyms(wordnet, n_words=20)["hamlet"] == (
        "crossroads",
        "community of people smaller than a village",
        "hero of a tragedy who hoped to avenge his father",
    )


def test_every_meaning_of_a_word_answers_a_query_about_it(wordnet: Path) -> None:
    entries = [entry for seed in range(40) for entry in build_entries(wordnet, 2, random.Random(seed))]
    of_word = [entry for entry in entries if "hamlet" in entry.query.lower()]
    assert of_word
    assert all(len(entry.answers) == 2 for entry in of_word)
    assert any("hamlet" not in answer.lower() for entry in of_word for answer in entry.answers)


def test_facts_are_definite_descriptions_against_other_names_of_the_same_place(wordnet: Path) -> None:
    (wordnet / "data.noun").write_text(
        "08 15 n 02 Lima 0 capital_of_Peru 0 001 @i 07 n 0000 | the capital of Peru (since 1821); in western Peru\n"
        "09 15 n 01 Cuzco 0 001 @i 07 n 0000 | a town in the Andes in southern Peru; once a capital\n"
        "10 15 n 01 Oslo 0 001 @i 07 n 0000 | a town in Norway\n"
        "11 18 n 01 Pizarro 0 001 @i 07 n 0000 | Spanish conquistador of Peru\n"
    )
    (wordnet / "data.adj").write_text(
        "12 01 a 01 Inca 0 001 ; 07 n 0000 | of or relating to Peru before 1533\n"
        "13 01 a 01 Peruvian 0 001 ; 07 n 0000 | of or relating to or characteristic of Peru or its people\n"
    )
    assert read_adjectives(wordnet) == {"Peru": "Peruvian"}
    facts = build_facts(wordnet, 30, random.Random(0))
    assert len(facts) == 30
    assert {"the capital of Peru", "what is the capital of Peru", "which city is the capital of Peru"} < {
        fact.query for fact in facts
    }
    (answers,) = {fact.answers for fact in facts}  # one fact's answers are no other's wrong ones
    assert answers[:2] == ("Lima", "Lima: in western Peru")
    assert all(text.count("Lima") == 1 for text in answers)
    assert any("the capital of Peru" in text for text in answers)
    assert any("the Peruvian capital" in text for text in answers)
    (sentences,) = {fact.sentences for fact in facts}
    name, told, *missed = sentences
    assert name == "Cuzco"
    assert "a town in the Andes in southern Peru" in told
    assert "once" not in told
    assert all("Cuzco" in text and "of Peru" in text and "capital" not in text for text in missed)
    assert {relation for relation in RELATIONS if any(relation in text for text in missed)} == set(RELATIONS[1:])


def test_wrong_answers_about_a_city_are_cities_first(wordnet: Path) -> None:
    lakes = "".join(f"2{i} 15 n 01 Lake_{i} 0 001 @i 07 n 0000 | a lake in Peru\n" for i in range(9))
    (wordnet / "data.noun").write_text(
        "08 15 n 01 Lima 0 001 @i 07 n 0000 | the capital and largest city of Peru\n"
        "09 15 n 01 Cuzco 0 001 @i 07 n 0000 | a town in Peru\n" + lakes
    )
    for fact in build_facts(wordnet, 5, random.Random(0)):
        assert fact.query.removesuffix(" name").endswith("the capital of Peru")
        assert any("the capital and largest city of Peru" in text for text in fact.answers)
        assert fact.sentences[0] == "Cuzco"
        assert len({text for text in fact.sentences if text.startswith("Lake") and len(text.split()) == 2}) == 5
        assert any(re.search("Cuzco .*the largest city of Peru", text) for text in fact.sentences)


def test_no_name_is_a_wrong_answer_to_its_own_question(wordnet: Path) -> None:
    (wordnet / "data.noun").write_text(
        "08 15 n 01 Lima 0 001 @i 07 n 0000 | the capital (since 1821) of Peru\n"
        "09 15 n 01 Oslo 0 001 @i 07 n 0000 | a town in Norway\n"
    )
    for fact in build_facts(wordnet, 5, random.Random(0)):
        assert any("Oslo" in text and "of Peru" in text for text in fact.sentences)
        assert not any("Lima" in text for text in fact.sentences)


def test_each_wrong_name_is_told_of_once(wordnet: Path) -> None:
    (wordnet / "data.noun").write_text(
        "08 15 n 01 Lima 0 001 @i 07 n 0000 | the port of Callao in Peru\n"
        "09 15 n 01 Cuzco 0 001 @i 07 n 0000 | a town of Peru far from Callao\n"
    )
    for seed in range(20):  # two tellings of one name differ in most draws
        (fact,) = build_facts(wordnet, 1, random.Random(seed))
        assert len(fact.sentences) == 2


def test_places_that_are_no_city_are_asked_for_as_places(wordnet: Path) -> None:
    (wordnet / "data.noun").write_text("08 15 n 01 Sajama 0 001 @i 07 n 0000 | the highest mountain of Bolivia\n")
    queries = {fact.query for fact in build_facts(wordnet, 30, random.Random(0))}
    assert "which place is the highest mountain of Bolivia" in queries
    assert not any("city" in query for query in queries)


def test_pool_holds_training_data_only(data: Path, wordnet: Path) -> None:
    pool = build_pool(data, wordnet, random.Random(0), n_words=2)
    queries = [example.query for example in pool.examples]
    assert "held out?" not in queries
    assert queries.count("is it so?") == 2
    assert len(queries) == 31 + 2 + 2
    for example in pool.examples:
        assert example.positives
        assert not set(example.positives) & set(example.section)
    (selqa,) = {example for example in pool.examples if example.query == "is it so?"}
    assert [pool.passages[i] for i in selqa.positives] == ["No."]


def test_penn_treebank_escapes_are_undone() -> None:
    assert clean("it  did n't say `` yes '' -lrb- no -rrb-") == 'it didn\'t say " yes " ( no )'


def test_overlap_is_over_content_words() -> None:
    assert overlap("what is the capital of Peru", "Lima is the capital") == 0.5
    assert overlap("what is it", "anything") == 0.0


@pytest.mark.parametrize("seed", range(50))
def test_varied_query_keeps_a_query(seed: int) -> None:
    query, passage = "who wrote the famous old play Hamlet in London", "Shakespeare wrote the famous play Hamlet."
    varied = vary(query, passage, random.Random(seed))
    assert content_words(varied) <= content_words(query)
    assert len(content_words(varied)) >= 2


def test_hidden_words_are_left_out_or_replaced() -> None:
    rng = random.Random(0)
    hidden = {
        hide("The capitals of Peru.", "capital of Peru", {"capital": ("seat",), "peru": ("it",)}, rng)
        for _ in range(60)
    }
    assert hidden == {"The capitals of Peru.", "The capitals of it.", "The capitals of ."}
    assert "Two seat." in {hide("Two lots.", "lots", {"lot": ("seat",)}, rng) for _ in range(30)}


def test_thinned_passage_keeps_the_querys_words() -> None:
    rng = random.Random(0)
    passage = " ".join(["capital", "word"] * 100)
    thinned = thin(passage, "capital of Peru", rng).split()
    assert thinned.count("capital") == 100
    assert 75 < thinned.count("word") < 100


def test_stuffed_passage_has_the_querys_words_in_their_order() -> None:
    stuffed = stuff("the bathroom could be warmed by an infrared lamp", "why is the sky blue", random.Random(0))
    assert [word for word in stuffed.split() if word in ("sky", "blue")] == ["sky", "blue"]
    assert len(stuffed.split()) == 9
    assert stuff("no", "why is the sky blue", random.Random(0)) == "no"


def test_near_miss_has_one_shared_word_swapped() -> None:
    missed = {
        miss("Lima is the capital of Peru.", "which city is the capital of Peru", "the best wine", random.Random(i))
        for i in range(60)
    }
    words = ("best", "wine")
    assert missed == {f"Lima is the {w} of Peru." for w in words} | {f"Lima is the capital of {w}." for w in words}
    assert miss("No.", "which city", "the best wine", random.Random(0)) == "No."


def test_blank_masks_the_share_and_keeps_the_order() -> None:
    rng = random.Random(0)
    text = "one two three four"
    assert blank(text, 1.0, rng) == " ".join(["[MASK]"] * 4)
    assert blank(text, 0.0, rng) == text
    blanks = [blank(text, 0.3, rng).split() for _ in range(400)]
    assert all(word in ("[MASK]", known) for words in blanks for word, known in zip(words, text.split(), strict=True))
    assert np.mean([words.count("[MASK]") / 4 for words in blanks]) == pytest.approx(0.3, abs=0.05)


def test_negatives_are_new_wrong_and_of_like_length() -> None:
    lengths = np.array([10, 12, 9, 11, 200, 8, 10, 10, 2])
    example = Example("q", (0, 1), (2, 4))
    for seed in range(50):
        chosen = choose_passages(example, np.array([4, 3, 1, 8]), np.array([5, 0]), lengths, 3, random.Random(seed))
        assert chosen[0] in example.positives
        assert len(set(chosen)) == 4
        assert not set(chosen[1:]) & set(example.positives)
        assert not {4, 8} & set(chosen)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_average_lies_between_the_two_and_keeps_the_head(share: float) -> None:
    trained = {"encoder.weight": torch.tensor([1.0, 2.0]), "pooler.dense.weight": torch.tensor([3.0])}
    base = {"encoder.weight": torch.tensor([5.0, -2.0]), "pooler.dense.weight": torch.tensor([9.0])}
    mixed = average(trained, base, share)
    expected = (1 - share) * trained["encoder.weight"] + share * base["encoder.weight"]
    torch.testing.assert_close(mixed["encoder.weight"], expected)
    torch.testing.assert_close(mixed["pooler.dense.weight"], trained["pooler.dense.weight"])
