"""Tokenizers and sentence-transformers files of tiny rerankers that read one prompt."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

ANSWERS = ("yes", "no", "Yes", "No", "true", "false", "1", "0")
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# As Qwen's: a sign takes the line breaks behind it, so that "?" at a query's end straddles the prompt's border.
WORDS = Regex(r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
# As published for rerankers: one message for each role, an instruction before them.
CHAT = (
    "{% for m in messages if m['role'] == 'system' %}<|im_start|>system\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "<|im_start|>user\n<Query>: {{ messages | selectattr('role', 'eq', 'query') | map(attribute='content') | first }}\n"
    "<Document>: {{ messages | selectattr('role', 'eq', 'document') | map(attribute='content') | first }}"
    "<|im_end|>\n<|im_start|>assistant\n"
)


def byte_level(corpus: list[str]) -> PreTrainedTokenizerFast:
    """As Qwen's: no mask token, no unknown, the padding token is the end of text, padding on the right."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = sorted({word for line in corpus for word in re.findall(r"[a-z]+", line)})
    merges: list[tuple[str, str]] = [("?", "Ċ")]
    for word in [*ANSWERS, *words[::2], *("Ġ" + word for word in words)]:
        for end in range(1, len(word)):
            if (word[:end], word[end]) not in merges:
                merges.append((word[:end], word[end]))
    pieces = dict.fromkeys([*CONTROL, *alphabet, *("".join(pair) for pair in merges)])
    tokenizer = Tokenizer(models.BPE({piece: i for i, piece in enumerate(pieces)}, merges))
    split = pre_tokenizers.Split(WORDS, "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in CONTROL])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=128,
        model_input_names=["input_ids", "attention_mask"],
    )


def sentencepiece(pieces: list[str], end: bool = False) -> PreTrainedTokenizerFast:
    """As Llama's and Gemma's, or with an `end` token behind every text as T5's; padding on the left."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", *CONTROL[1:]]
    answers = ["\u2581" + answer for answer in ANSWERS]
    scores = [*((token, 0.0) for token in specials), ("\u2581", -9.0), *((piece, -1.0) for piece in ANSWERS)]
    scores += [(piece, -1.0) for piece in [*answers, *pieces]]
    tokenizer = Tokenizer(models.Unigram(list(dict(scores).items()), specials.index("<unk>")))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in specials])
    single, pair = ("$A <eos>", "$A <eos> $B <eos>") if end else ("<bos> $A", "<bos> $A $B")
    ids = [(token, specials.index(token)) for token in ("<bos>", "<eos>")]
    tokenizer.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        unk_token="<unk>",
        padding_side="left",
        model_max_length=128,
        model_input_names=["input_ids", "attention_mask"],
    )


def write_cross_encoder(
    folder: Path, modules: dict[str, dict[str, Any]], transformer: dict[str, Any], prompts: dict[str, Any]
) -> Path:
    """The files by which sentence-transformers knows a CrossEncoder: `modules` after the Transformer, by class path."""
    listed = ["sentence_transformers.base.modules.transformer.Transformer", *modules]
    paths = ["", *(f"{i}_{name.split('.')[-1]}" for i, name in enumerate(modules, start=1))]
    entries = [
        {"idx": i, "name": str(i), "path": path, "type": name}
        for i, (name, path) in enumerate(zip(listed, paths, strict=True))
    ]
    files: dict[str, Any] = {
        "modules.json": entries,
        "config_sentence_transformers.json": {"model_type": "CrossEncoder", **prompts},
        "sentence_bert_config.json": transformer,
        **{f"{path}/config.json": config for path, config in zip(paths[1:], modules.values(), strict=True)},
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


LOGIT_SCORE = "sentence_transformers.cross_encoder.modules.logit_score.LogitScore"
OUTPUT = {"method": "forward", "method_output_name": "logits"}


def write_logit_score(folder: Path, tokenizer: PreTrainedTokenizerFast, true: str, false: str | None) -> Path:
    """A language model's files: its prompt is the chat template, its score the logit of one token, or two."""
    ids = [None if word is None else tokenizer.convert_tokens_to_ids(word) for word in (true, false)]
    transformer = {
        "transformer_task": "text-generation",
        "modality_config": {"text": OUTPUT, "message": OUTPUT | {"format": "flat"}},
        "module_output_name": "causal_logits",
    }
    score = {"true_token_id": ids[0], "false_token_id": ids[1], "module_input_name": "causal_logits"}
    prompts = {"prompts": {"web": "answer from the web"}, "default_prompt_name": "web"}
    return write_cross_encoder(folder, {LOGIT_SCORE: score}, transformer, prompts)
