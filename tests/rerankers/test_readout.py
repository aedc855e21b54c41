"""The last layer computes only what is read: fewer products, and the plain model's logit and gradient."""

from __future__ import annotations

import threading

import pytest
import torch

from attribution import load_reranker
from attribution.rerankers.families import FAMILIES
from attribution.rerankers.families.family import at_the_first
from attribution.rerankers.hooks import only_what_is_read
from attribution.rerankers.loading.models import BUNDLED
from attribution.rerankers.reranker import Reranker
from benchmarks.clock import operations
from tests.conftest import Plain, Tiny
from tests.tiny_published import PUBLISHED

QUERY, DOCUMENT = "how many people live in berlin ?", "berlin has about 3.7 million inhabitants ."
SHORTENED = [name for name, family in FAMILIES.items() if family.layers and name not in PUBLISHED]


@pytest.mark.parametrize("architecture", SHORTENED)
def test_logit_and_gradient_are_the_plain_models(architecture: str, tiny: Tiny, plain: Plain) -> None:
    reranker, (tokenizer, model) = tiny(architecture), plain(architecture)
    inputs = tokenizer(QUERY, DOCUMENT, return_tensors="pt")
    rest = {name: value for name, value in inputs.items() if name != "input_ids"}
    embed = model.get_submodule(reranker.family.word_embeddings)
    theirs = embed(inputs["input_ids"]).detach().requires_grad_(True)
    with torch.enable_grad():
        expected = model(inputs_embeds=theirs, **rest).logits[0, 0]
        (grad,) = torch.autograd.grad(expected, theirs)
        pair = reranker.encode(QUERY, DOCUMENT)
        ours = reranker.embed(pair).clone().requires_grad_(True)
        logit = reranker.forward_func(pair)(ours)
        (found,) = torch.autograd.grad(logit.sum(), ours)
    assert reranker.family.read_positions is at_the_first
    assert logit.item() == pytest.approx(expected.item(), abs=1e-5)
    assert torch.allclose(found, grad, atol=1e-6)
    whole = operations(lambda: reranker.outputs(dict(pair.inputs)))
    with torch.no_grad():
        assert operations(lambda: reranker.forward(dict(pair.inputs))) < whole


def test_only_the_last_of_six_layers_is_shortened() -> None:
    reranker = load_reranker(BUNDLED)
    pair, twin = reranker.encode(QUERY, DOCUMENT), reranker.eager()
    with torch.no_grad(), only_what_is_read():
        states = twin.outputs(dict(pair.inputs), output_hidden_states=True).hidden_states
    assert [state.shape[1] for state in states] == [len(pair.tokens)] * 6 + [1]


def test_other_threads_see_the_whole_model(tiny_bert: Reranker) -> None:
    """While one is inside, and afterwards."""
    twin, pair = tiny_bert.eager(), tiny_bert.encode(QUERY, DOCUMENT)
    shapes: list[torch.Size] = []

    def look() -> None:
        with torch.no_grad():
            output = twin.outputs(dict(pair.inputs), output_hidden_states=True)
        shapes.append(output.hidden_states[-1].shape)

    with only_what_is_read():
        look()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    look()
    hidden = tiny_bert.model.config.hidden_size
    assert shapes == [(1, 1, hidden), (1, len(pair.tokens), hidden), (1, len(pair.tokens), hidden)]
