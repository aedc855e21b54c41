"""Small checkpoints of every family, made on disk in a moment, so that tests load them as a user would."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from attribution.rerankers.loading.models import CHECKOUT
from tests.tiny_prompts import CHAT, byte_level, sentencepiece, write_logit_score
from tests.tiny_published import PUBLISHED

CORPUS = [
    "how many people live in berlin ? berlin has about 3.7 million inhabitants .",
    "paris is the capital of france . which city is the capital of france",
    "new york is famous for its museums and its park , the largest of the city .",
    "the quick brown fox jumps over the lazy dog while 1,234 cats sleep .",
] * 4
CHEAP: dict[str, dict[str, Any]] = {  # a method's options for tests that ask for any result of it
    "integrated_gradients_captum": {"n_steps": 4},
    "expected_gradients": {"n_samples": 2},
    "smoothgrad": {"n_samples": 2},
    "shapley": {"n_samples": 2},
}
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 130,
    "num_labels": 1,
    "initializer_range": 0.3,  # large enough for a score that depends on its input
}
CONFIGS: dict[str, dict[str, Any]] = {
    "BertForSequenceClassification": {},
    "ElectraForSequenceClassification": {"embedding_size": 16},
    "RobertaForSequenceClassification": {"max_position_embeddings": 132},
    "XLMRobertaForSequenceClassification": {"max_position_embeddings": 132},
    "DebertaV2ForSequenceClassification": {
        "relative_attention": True,
        "position_biased_input": False,
        "pos_att_type": ["p2c", "c2p"],
        "type_vocab_size": 0,
    },
    "DistilBertForSequenceClassification": {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48},
    "MPNetForSequenceClassification": {"max_position_embeddings": 132},
    "ModernBertForSequenceClassification": {},
}
PAIRED = tuple(CONFIGS)  # query and document are two segments, every test knows them
CONFIGS |= {  # as one of the above, so the tests of every family are enough for them
    "CamembertForSequenceClassification": {"max_position_embeddings": 132},
    "AlbertForSequenceClassification": {"embedding_size": 16},
    "DebertaForSequenceClassification": {
        "relative_attention": True,
        "position_biased_input": False,
        "pos_att_type": ["p2c", "c2p"],
        "type_vocab_size": 0,
    },
    "XLMRobertaXLForSequenceClassification": {"max_position_embeddings": 132},
    "ErnieForSequenceClassification": {},
    "MegatronBertForSequenceClassification": {},
    "RoFormerForSequenceClassification": {"embedding_size": 16},
    "BigBirdForSequenceClassification": {"attention_type": "original_full"},
    "RemBertForSequenceClassification": {"input_embedding_size": 16},
    "EuroBertForSequenceClassification": {"head_dim": 8, "num_key_value_heads": 2},
    "NomicBertForSequenceClassification": {},
    "GteForSequenceClassification": {},
    "T5ForConditionalGeneration": {
        "d_model": 32,
        "d_kv": 8,
        "d_ff": 48,
        "num_layers": 2,
        "num_heads": 4,
        "decoder_start_token_id": 0,
    },
}
KINDS = (  # one of each: where it matters how a logit comes about, and not how a family reads its files
    *PAIRED,
    *(f"{name}ForSequenceClassification" for name in ("Deberta", "EuroBert", "Gte", "Gemma2")),
    *("Qwen3ForCausalLM", "GemmaForCausalLM", "T5ForConditionalGeneration"),
)
SEGMENT_IDS = tuple(
    f"{name}ForSequenceClassification" for name in ("Bert", "Electra", "Albert", "Ernie", "MegatronBert")
)
MORE_ENCODERS = tuple(name for name in CONFIGS if name not in PAIRED)
DECODER: dict[str, Any] = {"num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 512}
CONFIGS["MT5ForConditionalGeneration"] = CONFIGS["T5ForConditionalGeneration"]
GEMMA2 = {"query_pre_attn_scalar": 8, "sliding_window": 64}
CONFIGS |= {
    architecture + head: DECODER | (GEMMA2 if architecture == "Gemma2" else {})
    for architecture in ("Qwen3", "Qwen2", "Llama", "Gemma", "Gemma2", "Mistral")
    for head in ("ForCausalLM", "ForSequenceClassification")
}
GEMMA3 = DECODER | {"query_pre_attn_scalar": 8, "sliding_window": 16}
GEMMA3["layer_types"] = ["sliding_attention", "full_attention"]
CONFIGS |= dict.fromkeys(("Gemma3ForCausalLM", "Gemma3TextForSequenceClassification"), GEMMA3)
CONFIGS["Qwen3_5ForCausalLM"] = DECODER | {
    "layer_types": ["linear_attention", "full_attention"],
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
}
SENTENCEPIECE = (
    "CamembertForSequenceClassification",
    "XLMRobertaForSequenceClassification",
    "DebertaV2ForSequenceClassification",
)
ROBERTA_LIKE = (
    "RobertaForSequenceClassification",
    "XLMRobertaForSequenceClassification",
    "MPNetForSequenceClassification",
    "CamembertForSequenceClassification",
    "XLMRobertaXLForSequenceClassification",
)


def tiny_pieces(start: str, inside: str) -> list[str]:
    """Every other word of `CORPUS` whole, the rest in two pieces, and all letters; trainers differ from run to run."""
    words = sorted({word for line in CORPUS for word in re.findall(r"\w+|[^\w\s]", line)})
    letters = sorted(set("".join(words)))
    whole = [start + word for word in words[::2]]
    halves = [half for word in words[1::2] if len(word) > 3 for half in (start + word[:3], inside + word[3:])]
    return list(dict.fromkeys([*letters, *(inside + letter for letter in letters), *whole, *halves]))


def tiny_tokenizer(architecture: str) -> PreTrainedTokenizerFast:
    """A fast tokenizer of the family's kind and pair template, with pieces of `CORPUS`."""
    if "T5" in architecture:
        return sentencepiece(tiny_pieces("\u2581", ""), end=True)
    if architecture not in PAIRED + MORE_ENCODERS:
        return byte_level(CORPUS) if "Qwen" in architecture else sentencepiece(tiny_pieces("\u2581", ""))
    if architecture in ROBERTA_LIKE:
        cls, sep, pad, unk, mask = "<s>", "</s>", "<pad>", "<unk>", "<mask>"
        specials, template = [cls, pad, sep, unk, mask], f"{cls} $A {sep} {sep} $B {sep}"
    else:
        cls, sep, pad, unk, mask = "[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"
        specials, template = [pad, unk, cls, sep, mask], f"{cls} $A {sep} $B:1 {sep}:1"
    if architecture in SENTENCEPIECE:
        pieces = [("\u2581", -9.0), *((piece, -1.0) for piece in tiny_pieces("\u2581", ""))]
        tokenizer = Tokenizer(models.Unigram([*((token, 0.0) for token in specials), *pieces], specials.index(unk)))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        tokenizer.decoder = decoders.Metaspace()
    elif architecture == "RobertaForSequenceClassification":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=specials, initial_alphabet=alphabet)
        tokenizer.train_from_iterator(CORPUS, trainer)
    else:
        vocab = {piece: i for i, piece in enumerate([*specials, *tiny_pieces("", "##")])}
        tokenizer = Tokenizer(models.WordPiece(vocab, unk_token=unk))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(specials)
    ids = [(token, tokenizer.token_to_id(token)) for token in (cls, sep)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}", pair=template, special_tokens=ids
    )
    types = architecture in SEGMENT_IDS
    names = ["input_ids", "token_type_ids", "attention_mask"] if types else ["input_ids", "attention_mask"]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token=cls,
        sep_token=sep,
        pad_token=pad,
        unk_token=unk,
        mask_token=mask,
        model_max_length=128,
        model_input_names=names,
    )


def save_two_layers(folder: Path) -> Path:
    """The bundled reranker's last two layers, a quarter as wide: its words and limits, scores that differ, for less."""
    shutil.copytree(CHECKOUT, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    places = {f".layer.{config['num_hidden_layers'] - 2 + i}.": f".layer.{i}." for i in range(2)}
    narrow = {config["hidden_size"]: 96, config["intermediate_size"]: 384}
    small = {"num_hidden_layers": 2, "num_attention_heads": 3, "hidden_size": 96, "intermediate_size": 384}
    (folder / "config.json").write_text(json.dumps(config | small), "utf-8")
    kept = {}
    for name, weight in load_file(folder / "model.safetensors").items():
        found = re.search(r"\.layer\.\d+\.", name)
        if not found or found[0] in places:
            part = weight[tuple(slice(narrow.get(size)) for size in weight.shape)].contiguous()
            kept[name.replace(found[0], places[found[0]]) if found else name] = part
    kept["classifier.weight"] *= 50  # what is left of it tells texts apart by hundredths
    kept["classifier.bias"] -= 5
    save_file(kept, folder / "model.safetensors", {"format": "pt"})
    return folder


def save_tiny(architecture: str, folder: Path, seed: int = 0, **config: Any) -> Path:
    """A random checkpoint of `architecture` in `folder`, as `save_pretrained` writes it."""
    if architecture in PUBLISHED:
        base, publish = PUBLISHED[architecture]
        return publish(save_tiny(base, folder, seed, **config))
    tokenizer = tiny_tokenizer(architecture)
    model_class = getattr(transformers, architecture)
    settings = {**SMALL, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    settings |= {"cls_token_id": tokenizer.cls_token_id, "sep_token_id": tokenizer.sep_token_id}
    settings |= CONFIGS[architecture] | config
    torch.manual_seed(seed)
    model = model_class(model_class.config_class(**settings))
    with torch.no_grad():  # biases and norms start at 0 and 1, which would hide a missing one
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if architecture.endswith("ForCausalLM"):
        (folder / "chat_template.jinja").write_text(CHAT)
        write_logit_score(folder, tokenizer, *(("Yes", None) if "Gemma" in architecture else ("yes", "no")))
    return folder
