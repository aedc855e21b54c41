"""Which number of a model's output is its score: a label's logit, or those of the tokens that answer."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from attribution.errors import ModelError, OptionError
from attribution.rerankers.prompts import TEMPLATES, Prompt
from attribution.types import ONE_LOGIT


@dataclass(frozen=True)
class ReadOut:
    """`before`: what is put before every query; `prompt`: what a pair is written into instead of the tokenizer's pair.

    The logit is column `true` of the output, less column `false` if there is one; `reads` says so in words.
    """

    true: int = 0
    false: int | None = None
    reads: str = ONE_LOGIT
    before: str = ""
    prompt: Prompt | None = None

    def read(self, columns: Tensor) -> Tensor:
        """`(batch, labels or vocabulary)` -> logit `(batch,)`."""
        logit = columns[:, self.true]
        return logit if self.false is None else logit - columns[:, self.false]


def read_labels(config: Any, model_id: str, label: str | int | None = None) -> ReadOut:
    """One label: its logit; two: the second's less the first's, or the one named; more: the one named.

    Raises `ModelError` when one has to be named, `OptionError` when there is none such.
    """
    names = [str(config.id2label.get(i, i)) for i in range(config.num_labels)]
    if isinstance(label, str) and label.isdecimal() and label not in names:
        label = int(label)  # as a command line gives a number
    if label is not None:
        if str(label) not in names and label not in range(len(names)):
            raise OptionError(f"{model_id} has no label {label!r}. Its labels: {', '.join(names)}.")
        at = names.index(str(label)) if str(label) in names else int(label)
        return ReadOut(at, None, f"the logit of {names[at]}")
    if len(names) == 1:
        return ReadOut()
    if len(names) == 2:
        return ReadOut(1, 0, f"the logit of {names[1]} less that of {names[0]}")
    raise ModelError(
        f"{model_id} has {len(names)} labels, and a reranker's score is one number. Name the label to explain, "
        f"load_reranker(..., label=...): {', '.join(names)}."
    )


def read_answers(
    score: dict[str, Any], tokenizer: PreTrainedTokenizerBase, model_id: str, true: str | int, false: str | None
) -> ReadOut:
    """The tokens whose logits answer: of 1_LogitScore, else those named; `true` may be an id. Raises `ModelError`."""
    if isinstance(true, int) and not score:
        score = {"true_token_id": true}
    if score:
        ids = [score["true_token_id"], score.get("false_token_id")]
        words = [None if i is None else str(tokenizer.convert_ids_to_tokens(i)) for i in ids]
    else:
        words = [str(true), false]
        ids = [None if word is None else tokenizer.convert_tokens_to_ids(word) for word in words]
        unknown = [word for word, i in zip(words, ids, strict=True) if word and i in (None, tokenizer.unk_token_id)]
        if unknown:
            raise ModelError(
                f"{model_id} has no token {' and no '.join(map(repr, unknown))}, whose logit would be its score. Give "
                "the folder a 1_LogitScore/config.json with true_token_id, or name a template: "
                f"load_reranker(..., template=...), one of {', '.join(TEMPLATES)}."
            )
    less = "" if ids[1] is None else f" less that of {words[1]!r}"
    return ReadOut(ids[0], ids[1], f"the logit of {words[0]!r}{less} as the next token")
