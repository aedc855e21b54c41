"""Attentions, hidden states and their gradients, on words; and the head applied to each layer's states."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from attribution.errors import ModelError
from attribution.rerankers.hooks import with_autograd
from attribution.rerankers.reranker import Reranker
from attribution.rerankers.states import attentions_of, check_states, layers_of, read_positions
from attribution.types import SIDES, Segment, TokenizedPair, Unit
from attribution.words import read_units

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Inside:
    """What one forward and one backward pass left in the model, on the CPU.

    `units`: words and template tokens the model read, in its order. `read_positions`: where the head reads.
    `attention (layers, heads, 1 + query words, document words)`: the share of a word's attention that goes to a
    document word; row 0 is the read-out position. `state_norm`, `grad_norm`, `grad_x_state (1 + layers, units)`:
    L2 norm of the states (mean over a word's tokens), of the logit's gradient, and gradient x activation (sums, in
    logits); row 0 is after the embeddings. `readout (1 + layers,)`: the head's logit from each layer's states.
    """

    logit: float
    units: tuple[Unit, ...]
    read_positions: tuple[int, ...]
    attention: Array
    state_norm: Array
    grad_norm: Array
    grad_x_state: Array
    readout: Array

    def words(self, segment: Segment) -> list[Unit]:
        """The units of one segment."""
        return [unit for unit in self.units if unit.segment == segment]


@with_autograd
def look_inside(reranker: Reranker, pair: TokenizedPair) -> Inside:
    """Run the pair once with eager attention, `retain_grad()` on every hidden state, and `logit.backward()`.

    Raises `InputError` when the attentions of so long a pair would not fit, `ModelError` when the model gives none.
    """
    check_states(reranker, pair)
    twin = reranker.eager()
    inputs_embeds = twin.embed(pair).clone().requires_grad_(True)  # (1, seq, hidden)
    with twin.adapter.intercept("word", lambda output: inputs_embeds.to(output.dtype)):
        output = twin.outputs(dict(pair.inputs), output_attentions=True, output_hidden_states=True)
    attentions = attentions_of(reranker, output).detach()  # (layers, heads, seq, seq)
    retained = layers_of(reranker, output, "hidden_states")
    for state in retained:
        state.retain_grad()
    logit = twin.read_logit(output)[0]
    logit.backward()
    states = torch.cat(list(retained)).detach()  # (1 + layers, seq, hidden)
    grads = torch.cat([_gradient(reranker, state) for state in retained])
    units = _units(pair)
    onto = _indicator(units, len(pair.tokens)).to(states.device)  # (seq, units)
    return Inside(
        logit=logit.item(),
        units=units,
        read_positions=tuple(read_positions(reranker, pair)),
        attention=_query_to_document(attentions, units, read_positions(reranker, pair)),
        state_norm=_array(states.norm(dim=-1) @ (onto / onto.sum(0))),
        grad_norm=_array(grads.norm(dim=-1) @ onto),
        grad_x_state=_array((grads * states).sum(-1) @ onto),
        readout=_array(_readout(twin, states, read_positions(reranker, pair))),
    )


def _gradient(reranker: Reranker, state: Tensor) -> Tensor:
    if state.grad is None:
        raise ModelError(
            f"The score of {reranker.model_id} ignores a hidden state that it returns. Choose another model."
        )
    return state.grad


def _units(pair: TokenizedPair) -> tuple[Unit, ...]:
    units = [Unit(pair.tokens[i].text, "template", (i,)) for i in pair.positions("template")]
    for segment in SIDES:
        units += [replace(unit, text=unit.text.strip()) for unit in read_units(pair, segment)]
    return tuple(sorted(units, key=lambda unit: unit.positions))


def _indicator(units: tuple[Unit, ...], length: int) -> Tensor:
    """`(seq, units)`: 1 where a token belongs to a unit."""
    onto = torch.zeros(length, len(units))
    for column, unit in enumerate(units):
        onto[list(unit.positions), column] = 1
    return onto


def _query_to_document(attentions: Tensor, units: tuple[Unit, ...], read: list[int]) -> Array:
    """Mean over the tokens that attend, sum over the tokens attended to."""
    length = attentions.shape[-1]
    rows = (Unit("", "template", tuple(read)), *(unit for unit in units if unit.segment == "query"))
    columns = tuple(unit for unit in units if unit.segment == "document")
    attend = _indicator(rows, length).to(attentions.device)  # (seq, rows)
    attended = _indicator(columns, length).to(attentions.device)  # (seq, columns)
    return _array((attend / attend.sum(0)).T @ attentions @ attended)


def _readout(reranker: Reranker, states: Tensor, read: list[int]) -> Tensor:
    """`(1 + layers,)`: the head on each layer's states, through the final norm it expects; the last is the logit."""
    family, model = reranker.family, reranker.model
    with torch.no_grad():
        if family.final_norm:  # the last hidden state has been through it already
            states = torch.cat([model.get_submodule(family.final_norm)(states[:-1]), states[-1:]])
        return reranker.settings.read(family.head(model, states[:, : max(read) + 1]))


def _array(values: Tensor) -> Array:
    return values.float().cpu().numpy()
