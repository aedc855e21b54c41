"""What a checkpoint's files say of its use, beyond its weights: read as sentence-transformers 6.2 reads them.

A file that would change the score is followed or refused, never passed over. sentence-transformers looks at its own
files only where `modules.json` and `config_sentence_transformers.json` say that they are a CrossEncoder's; so do we.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers.normalizers import Lowercase
from tokenizers.normalizers import Sequence as Normalizers
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from attribution.errors import ModelError, OptionError, check_range
from attribution.rerankers.families import Family
from attribution.rerankers.loading.files import module_types, names_in
from attribution.rerankers.prompts import TEMPLATES, Prompt, chat_renderer, check_room, make_prompt
from attribution.types import ONE_LOGIT

LONGEST = 8192  # tokens; no more of a pair is read, however many the model could
CHAIN = ("Transformer", "Pooling", "Dense", "LayerNorm", "Dropout", "LogitScore")  # the modules we know
# Keys of sentence_bert_config.json that change no score of one pair, or that are read below.
HARMLESS = {"transformer_task", "module_output_name", "unpad_inputs", "query_length", "document_length"}
READ = {"max_seq_length", "do_lower_case", "processing_kwargs", "processor_kwargs", "tokenizer_args", "modality_config"}
BY_THE_WAY = {"model_kwargs", "model_args", "config_kwargs", "config_args"}  # may hold these and no more:
OF_THE_MODEL = {"dtype", "torch_dtype", "attn_implementation", "device_map", "low_cpu_mem_usage", "num_labels"}
OF_THE_TOKENIZER = {"model_max_length", "padding_side", "use_fast"}
OF_A_CALL = {"max_length", "truncation", "padding"}


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


def module_config(folder: Path, name: str) -> dict[str, Any]:
    """The config of the first module of that class name; empty if there is none."""
    for module in _read(folder / "modules.json", []):
        if str(module["type"]).split(".")[-1] == name:
            config: dict[str, Any] = _read(folder / module["path"] / "config.json", {})
            return config
    return {}


def read_settings(
    folder: Path,
    family: Family,
    config: Any,
    tokenizer: PreTrainedTokenizerBase,
    model_id: str,
    *,
    label: str | int | None = None,
    template: str | None = None,
    max_length: int | None = None,
) -> tuple[ReadOut, int]:
    """A checkpoint's settings, and the tokens it reads at most. `tokenizer` is made to lower-case where they say so.

    `label`, `template` and `max_length` are `load_reranker`'s. Raises `ModelError` or `OptionError`.
    """
    modules = module_types(names_in(folder), lambda name: (folder / name).read_bytes())
    own = _read(folder / "sentence_bert_config.json", {}) if modules else {}
    _refuse_unknown(modules, own, folder, model_id)
    prompts = _read(folder / "config_sentence_transformers.json", {}) if modules else {}
    instruction = (prompts.get("prompts") or {}).get(prompts.get("default_prompt_name")) or ""
    if own.get("do_lower_case"):
        _lower_case(tokenizer)
    tokenizer.backend_tokenizer.no_truncation()  # whatever tokenizer.json came with: ids are cut in `encoding`
    tokenizer.backend_tokenizer.no_padding()
    longest = _max_length(own, config, tokenizer, family, max_length)
    prompt, true, false = _prompt(family, modules, own, tokenizer, model_id, instruction, template)
    if prompt:
        check_room(prompt, tokenizer, longest, model_id)
    if family.prompt:
        score = module_config(folder, "LogitScore") if modules and template is None else {}
        answers = _answers(score, tokenizer, model_id, true, false)
        if label is not None:
            raise OptionError(
                f"label is {label!r}, but {model_id} has no labels: its score is {answers.reads}. Leave label out."
            )
    else:
        answers = read_labels(config, model_id, label)
    before = "" if prompt else instruction
    return ReadOut(answers.true, answers.false, answers.reads, before, prompt), longest


def read_labels(config: Any, model_id: str, label: str | int | None = None) -> ReadOut:
    """One label: its logit; two: the second's less the first's, or the one named; more: the one named.

    Raises `ModelError` when one has to be named, `OptionError` when there is none such.
    """
    names = [str(config.id2label.get(i, i)) for i in range(config.num_labels)]
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


def _answers(
    score: dict[str, Any], tokenizer: PreTrainedTokenizerBase, model_id: str, true: str, false: str | None
) -> ReadOut:
    """The tokens whose logits answer: of 1_LogitScore, else those named."""
    if score:
        ids = [score["true_token_id"], score.get("false_token_id")]
        words = [None if i is None else str(tokenizer.convert_ids_to_tokens(i)) for i in ids]
    else:
        words = [true, false]
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


def _prompt(
    family: Family,
    modules: list[str],
    own: dict[str, Any],
    tokenizer: PreTrainedTokenizerBase,
    model_id: str,
    instruction: str,
    template: str | None,
) -> tuple[Prompt | None, str, str | None]:
    """What pairs are written into, and the tokens that answer if nothing else names them."""
    if template is not None:
        if template not in TEMPLATES:
            raise OptionError(f"template is {template!r}; it must be one of {', '.join(TEMPLATES)}.")
        asks = TEMPLATES[template]
        return make_prompt(asks.render, tokenizer, model_id, asks.add_special_tokens), asks.true, asks.false
    modality = own.get("modality_config")
    # Without files of its own, sentence-transformers writes into the chat template of any tokenizer that has one.
    chat = "message" in (modality or {}) if modules else bool(tokenizer.chat_template)
    if not chat and (modules or not family.prompt):  # saved so, a language model too reads the bare pair
        return None, "yes", "no"
    advice = (
        f"Name a template: load_reranker(..., template=...), one of {', '.join(TEMPLATES)}; or give the folder a "
        "chat_template.jinja that writes the roles 'query' and 'document'."
    )
    if not tokenizer.chat_template:
        raise ModelError(f"{model_id} is a language model without a prompt to ask it with. {advice}")
    form = (modality or {}).get("message", {}).get("format", "auto")
    options = (own.get("processing_kwargs") or {}).get("chat_template") or {}
    options = {key: value for key, value in options.items() if key != "restore_suffix"}
    render = chat_renderer(tokenizer, instruction, None if form == "auto" else form == "structured", options)
    try:
        return make_prompt(render, tokenizer, model_id), "yes", "no"
    except ModelError:
        raise
    except Exception as error:  # whatever a template of someone else's raises, in Jinja or in Python
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(f"The chat template of {model_id} cannot write a pair ({reason}). {advice}") from error


def _max_length(
    own: dict[str, Any], config: Any, tokenizer: PreTrainedTokenizerBase, family: Family, asked: int | None
) -> int:
    """Tokens the model reads: what the settings or `asked` say, within its position table and `LONGEST`."""
    stated = int(getattr(config, "max_position_embeddings", None) or 512)
    positions = stated
    if family.offset_positions:
        positions -= config.pad_token_id + 1  # their positions start after the padding index
    positions = min(positions, LONGEST)
    if asked is not None:
        check_range("max_length", asked, 8, positions)
        return asked
    of_tokenizer = own.get("processor_kwargs") or own.get("tokenizer_args") or {}
    fixed = of_tokenizer.get("model_max_length") or own.get("max_seq_length")
    limits = [fixed or tokenizer.model_max_length, positions]
    of_call = (own.get("processing_kwargs") or {}).get("text") or {}
    if of_call.get("max_length"):
        limits[0] = of_call["max_length"]
    return int(min(limits))


def _lower_case(tokenizer: PreTrainedTokenizerBase) -> None:
    normalizer = tokenizer.backend_tokenizer.normalizer
    tokenizer.backend_tokenizer.normalizer = Normalizers([Lowercase(), *([normalizer] if normalizer else [])])


def _refuse_unknown(modules: list[str], own: dict[str, Any], folder: Path, model_id: str) -> None:
    """Raises `ModelError` for settings of sentence-transformers that we do not follow and that may change the score."""
    calls = own.get("processing_kwargs") or {}
    text = calls.get("text") or {}
    found = [f"the module {name}" for name in modules if name not in CHAIN]
    found += [f"{key} in sentence_bert_config.json" for key in set(own) - HARMLESS - READ - BY_THE_WAY if own[key]]
    found += [f"{key}.{inner}" for key in BY_THE_WAY for inner in set(own.get(key) or {}) - OF_THE_MODEL]
    for key in ("processor_kwargs", "tokenizer_args"):
        found += [f"{key}.{inner}" for inner in set(own.get(key) or {}) - OF_THE_TOKENIZER]
    found += [f"processing_kwargs.text.{key}" for key in set(text) - OF_A_CALL]
    found += [f"processing_kwargs.{key}" for key in set(calls) - {"text", "chat_template"} if calls[key]]
    chat = calls.get("chat_template") or {}
    found += [f"processing_kwargs.chat_template.{key}" for key in ("max_length", "truncation") if key in chat]
    if not chat.get("restore_suffix", True):
        found.append("processing_kwargs.chat_template.restore_suffix = False")
    if text.get("truncation", True) not in (True, "longest_first"):
        found.append(f"processing_kwargs.text.truncation = {text['truncation']!r}")
    if modules and _read(folder / "modules.json", [])[0].get("path"):
        found.append("a first module in a folder of its own")
    if found:
        raise ModelError(
            f"{model_id} has sentence-transformers settings that this program does not follow, so its score would be "
            f"another than its users get: {', '.join(sorted(found))}. Save the checkpoint without them."
        )


def _read(path: Path, missing: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else missing
