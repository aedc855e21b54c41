"""`Family`: which layers embed, which position the logit is read from. One row of a table each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from transformers import AutoModelForSequenceClassification

Head = Callable[[Any, Tensor], Tensor]  # (model, states (batch, seq, hidden)) -> columns (batch, labels or vocabulary)
Prepare = Callable[[Any, dict[str, Tensor]], dict[str, Any]]  # (model, inputs) -> everything the model is called with


def at_the_first(_model: Any, _inputs: dict[str, Tensor]) -> list[int]:
    """The first position, [CLS] or its like."""
    return [0]


@dataclass(frozen=True)
class Family:
    """`word_embeddings` and `embeddings` are module paths; the second holds the first, or is the same layer.

    `columns`: the model's output -> `(batch, labels or vocabulary)`; the checkpoint's settings name one or two of them.
    `head` gives the columns from the last hidden states, up to the last position that is read; `final_norm` is the
    module path of a norm between the last layer and the head. `read_positions`: whose last states make the logit.
    `states`: the text has such positions, so its states and attentions can be shown; `head` is asked of such families
    only. `prompt`: the logit is a token's, so a pair is always one text written by a template. `template`: the one it
    was trained with, a key of `TEMPLATES`. `read_config`: from config.json as it is published, and the model's name,
    where the library does not know it. `offset_positions`: they start after the padding index. `layers`: module path of
    an encoder's layers, each with an `attention.output`, of whose last only the first position is read (`only_first`).
    """

    label: str
    word_embeddings: str
    embeddings: str
    examples: str
    head: Head = lambda model, states: model.classifier(states)  # which picks the read-out position itself
    final_norm: str | None = None
    auto_class: Any = AutoModelForSequenceClassification
    columns: Callable[[Any], Tensor] = lambda output: output.logits
    prepare: Prepare = lambda _model, inputs: inputs
    read_positions: Callable[[Any, dict[str, Tensor]], list[int]] = at_the_first
    pad_left: bool = False
    prompt: bool = False
    template: str | None = None
    read_config: Callable[[dict[str, Any], str], Any] | None = None
    states: bool = True
    offset_positions: bool = False
    layers: str | None = None
