"""What a checkpoint's files say of its use, beyond its weights: read as sentence-transformers 6.2 reads them.

A file that would change the score is followed or refused, never passed over. sentence-transformers looks at its own
files only where `modules.json` and `config_sentence_transformers.json` say that they are a CrossEncoder's; so do we.
"""

import dataclasses
from pathlib import Path
from typing import Any

from tokenizers.normalizers import Lowercase
from tokenizers.normalizers import Sequence as Normalizers
from transformers import PreTrainedTokenizerBase

from attribution.errors import ModelError, OptionError, check_range, shown
from attribution.rerankers.families import Family
from attribution.rerankers.families.chain import json_in
from attribution.rerankers.loading.files import LOGIT_SCORE, module_types, names_in, not_followed
from attribution.rerankers.loading.readout import ReadOut, read_answers, read_labels
from attribution.rerankers.memory import number_set
from attribution.rerankers.prompts import TEMPLATES, Prompt, chat_renderer, check_room, make_prompt

SHORTEST = 8  # tokens of a pair that may be asked for
LONGEST = 8192  # tokens that are read of a pair, however many the model could, unless RERANKER_MAX_TOKENS says more
# Older versions name the first module's file by its model; the first that is there is read.
KINDS = ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
# Keys of sentence_bert_config.json that change no score of one pair, or that are read below.
HARMLESS = {"transformer_task", "module_output_name", "unpad_inputs", "query_length", "document_length"}
READ = {"max_seq_length", "do_lower_case", "processing_kwargs", "processor_kwargs", "tokenizer_args", "modality_config"}
BY_THE_WAY = {"model_kwargs", "model_args", "config_kwargs", "config_args"}  # may hold these and no more:
OF_THE_MODEL = {"dtype", "torch_dtype", "attn_implementation", "device_map", "low_cpu_mem_usage", "num_labels"}
OF_THE_TOKENIZER = {"model_max_length", "padding_side", "use_fast"}
OF_A_CALL = {"max_length", "truncation", "padding"}


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
    files = (json_in(folder / f"sentence_{kind}_config.json") for kind in KINDS if modules)
    own: dict[str, Any] = next(filter(None, files), {})
    entries = json_in(folder / "modules.json") if LOGIT_SCORE in modules else []
    score = json_in(folder / entries[modules.index(LOGIT_SCORE)]["path"] / "config.json") if entries else {}
    refuse_unknown(own, model_id)
    _refuse_outputs(own, modules, family, score, model_id, asked=template is not None)
    prompts = json_in(folder / "config_sentence_transformers.json") if modules else {}
    instruction = (prompts.get("prompts") or {}).get(prompts.get("default_prompt_name")) or ""
    backend = tokenizer.backend_tokenizer
    if own.get("do_lower_case"):
        backend.normalizer = Normalizers([Lowercase(), *([backend.normalizer] if backend.normalizer else [])])
    backend.no_truncation()  # whatever tokenizer.json came with: ids are cut in `encoding`
    backend.no_padding()
    longest = max_length_of(own, config, tokenizer, family, max_length, model_id)
    prompt, true, false = _prompt(family, modules, own, tokenizer, model_id, instruction, template)
    if prompt:
        check_room(prompt, tokenizer, longest, model_id)
    if family.prompt:
        answers = read_answers(score if template is None else {}, tokenizer, model_id, true, false)
        if label is not None:
            raise OptionError(
                f"label is {label!r}, but {model_id} has no labels: its score is {answers.reads}. Leave label out."
            )
    else:
        answers = read_labels(config, model_id, label)
    return dataclasses.replace(answers, before="" if prompt else instruction, prompt=prompt), longest


def _prompt(
    family: Family,
    modules: list[str],
    own: dict[str, Any],
    tokenizer: PreTrainedTokenizerBase,
    model_id: str,
    instruction: str,
    template: str | None,
) -> tuple[Prompt | None, str | int, str | None]:
    """What pairs are written into, and the tokens that answer if nothing else names them."""
    if template is not None and template not in TEMPLATES:
        raise OptionError(f"template is {template!r}; it must be one of {', '.join(TEMPLATES)}.")
    if template is not None and not (family.prompt or family.pad_left):
        raise OptionError(
            f"template is {template!r}, but {model_id} ({family.label}) is an encoder, which reads the query and the "
            "document as two texts, without a prompt. Leave template out."
        )
    if asks := TEMPLATES.get(template or family.template or ""):
        prompt = make_prompt(asks.render, tokenizer, model_id, asks.add_special_tokens, keeps_end=asks.keeps_end)
        return prompt, asks.true, asks.false
    modality = own.get("modality_config")
    # Without files of its own, sentence-transformers writes into the chat template of any tokenizer that has one.
    chat = "message" in (modality or {}) if modules else bool(tokenizer.chat_template)
    if not chat and (modules or not family.prompt):  # saved so, a language model too reads the bare pair
        return None, "yes", "no"
    if not tokenizer.chat_template:
        raise ModelError(f"{model_id} is a language model without a prompt to ask it with. {advice(family)}")
    form = (modality or {}).get("message", {}).get("format", "auto")
    options = (own.get("processing_kwargs") or {}).get("chat_template") or {}
    options = {key: value for key, value in options.items() if key != "restore_suffix"}
    render = chat_renderer(tokenizer, instruction, None if form == "auto" else form == "structured", options)
    try:
        return make_prompt(render, tokenizer, model_id, advice=advice(family)), "yes", "no"
    except ModelError:
        raise
    except Exception as error:  # whatever a template of someone else's raises, in Jinja or in Python
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(f"The chat template of {model_id} cannot write a pair ({reason}). {advice(family)}") from error


def advice(family: Family) -> str:
    """The ways to ask a model that does not say how it is asked: first the templates made for its kind."""
    files = "ive the folder a chat_template.jinja that writes the roles 'query' and 'document'."
    if not (family.prompt or family.pad_left):
        return f"G{files}"
    fit = [name for name, row in TEMPLATES.items() if family.label.split(",")[0] in row.fits]
    others = [name for name in TEMPLATES if name not in fit]
    named = " or ".join(f"load_reranker(..., template={name!r})" for name in fit)
    made = f"{named}, made for this kind of model; others are" if fit else "load_reranker(..., template=...), one of"
    return f"Name a template: {made} {', '.join(others)}; or g{files}"


def max_length_of(
    own: dict[str, Any],
    config: Any,
    tokenizer: PreTrainedTokenizerBase,
    family: Family,
    asked: int | None,
    model_id: str,
) -> int:
    """Tokens the model reads: what the settings or `asked` say, within its positions; unasked at most `LONGEST`.

    Raises `OptionError`, and `ModelError` where what the files say is no length.
    """
    positions = int(getattr(config, "max_position_embeddings", None) or 512)
    if family.offset_positions:
        positions -= config.pad_token_id + 1  # their positions start after the padding index
    if asked is not None:
        return check_range("max_length", asked, SHORTEST, positions)
    of_call = ((own.get("processing_kwargs") or {}).get("text") or {}).get("max_length")
    of_tokenizer = (own.get("processor_kwargs") or own.get("tokenizer_args") or {}).get("model_max_length")
    stated = of_call or of_tokenizer or own.get("max_seq_length") or tokenizer.model_max_length
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not stated >= SHORTEST:
        raise ModelError(
            f"{model_id} says that it reads {shown(stated)} tokens, by max_seq_length or model_max_length in its "
            f"files. Give it a number there, at least {SHORTEST}, or load it with max_length=..."
        )
    return int(min(stated, positions, longest_read()))


def longest_read() -> int:
    """Tokens that are read of a pair at most where nobody asks for more."""
    return int(number_set("RERANKER_MAX_TOKENS", LONGEST))


def length_note(config: Any, tokenizer: PreTrainedTokenizerBase, length: int) -> str:
    """What a result says where a model reads less than it could, because of this program's own limit."""
    could = min(int(getattr(config, "max_position_embeddings", None) or 0), tokenizer.model_max_length)
    if length != longest_read() or could <= length:
        return ""
    return (
        f"At most {length:,} tokens of a pair are read here, of {could:,} that this model could read. Load it with "
        "max_length=..., or set RERANKER_MAX_TOKENS, to read more."
    )


def refuse_unknown(own: dict[str, Any], model_id: str) -> None:
    """Raises `ModelError` for settings of sentence-transformers that we do not follow and that may change the score."""
    calls = own.get("processing_kwargs") or {}
    text = calls.get("text") or {}
    found = [f"{key} in sentence_bert_config.json" for key in set(own) - HARMLESS - READ - BY_THE_WAY if own[key]]
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
    if found:
        raise not_followed(model_id, found)


def _refuse_outputs(
    own: dict[str, Any], modules: list[str], family: Family, score: dict[str, Any], model_id: str, *, asked: bool
) -> None:
    """Raises `ModelError` where the modules read another output of the model than this program does."""
    ways = own.get("modality_config") or {}
    way = ways.get("message") or ways.get("text") or {}
    chained = "Pooling" in modules
    found = []
    if way:
        output = way.get("method_output_name")
        output = output[0] if isinstance(output, list) and len(output) == 1 else output
        if (way.get("method"), output) != ("forward", "last_hidden_state" if chained else "logits"):
            found.append(f"the output {output!r} of the method {way.get('method')!r}")
        name = own.get("module_output_name")
        reads = score.get("module_input_name", "causal_logits") if LOGIT_SCORE in modules else "scores"
        if not chained and name != reads and not asked:
            found.append(f"a first module that writes {name!r}, where {reads!r} is read")
    if (LOGIT_SCORE in modules) != family.prompt and modules and not asked:
        found.append(f"{'no ' if family.prompt else ''}LogitScore with {family.label}")
    if found:
        raise not_followed(model_id, found)
