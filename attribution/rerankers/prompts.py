"""Rerankers that read one prompt: how a pair is written into it, and where its texts stand in what was written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attribution.errors import InputError, ModelError
from attribution.types import Segment

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Render = Callable[[str, str], str]  # (query, document) -> the whole prompt
QUERY, DOCUMENT = "TheQueryStandsHere", "TheDocumentStandsHere"  # sentinels: words no template changes
# sentence-transformers finds what follows the document with these two.
FILLERS = ("0", "1 2 3 4")
ROOM = 16  # tokens for a query and a document; fewer are no pair
# Templates that look into a message's parts get parts, the others plain text; sentence-transformers' own test.
STRUCTURED = ("content[0]", ".type", "'type'", '"type"', "item.type", "message.content[")


@dataclass(frozen=True)
class Prompt:
    """`pieces`: what stands before, between and after the two texts, of which `first` comes first.

    `suffix_ids`: the tokens that end every prompt. They are written anew when a long document is cut.
    """

    render: Render
    pieces: tuple[str, str, str]
    first: Segment
    suffix_ids: tuple[int, ...]
    add_special_tokens: bool

    def write(self, query: str, document: str) -> tuple[str, dict[Segment, tuple[int, int]]]:
        """The prompt, and each text's characters in it, checked: the pieces and texts add up to what was rendered.

        Raises `InputError` when the template changes these texts, so that no token can be placed in them.
        """
        text = self.render(query, document)
        before, between, after = self.pieces
        texts: dict[Segment, str] = {"query": query, "document": document}
        second: Segment = "document" if self.first == "query" else "query"
        if before + texts[self.first] + between + texts[second] + after != text:
            raise InputError(
                "This model's prompt template changes these texts (it may strip the white space around them), so their "
                "tokens cannot be placed. Remove white space at the ends of the query and the document."
            )
        start = len(before)
        middle = start + len(texts[self.first])
        end = len(text) - len(after)
        return text, {self.first: (start, middle), second: (middle + len(between), end)}


def make_prompt(
    render: Render,
    tokenizer: PreTrainedTokenizerBase,
    model_id: str,
    special: bool = False,
    *,
    keeps_end: bool = True,
    advice: str = "Give the checkpoint a chat_template.jinja with the roles 'query' and 'document'.",
) -> Prompt:
    """Find the pieces by rendering sentinels. Raises `ModelError` when a text is not in the prompt exactly once.

    `keeps_end`: whether what follows the texts is written anew where a long pair is cut. `advice`: what to do else.
    """
    text = render(QUERY, DOCUMENT)
    for name, sentinel in (("query", QUERY), ("document", DOCUMENT)):
        if text.count(sentinel) != 1:
            raise ModelError(
                f"{model_id} has a prompt template that holds the {name} {text.count(sentinel)} times instead of once; "
                f"it is made for other uses, such as chatting. {advice}"
            )
    first: Segment = "query" if text.index(QUERY) < text.index(DOCUMENT) else "document"
    sentinels = (QUERY, DOCUMENT) if first == "query" else (DOCUMENT, QUERY)
    before, rest = text.split(sentinels[0])
    between, after = rest.split(sentinels[1])
    one, other = (tokenizer(render(f, f), add_special_tokens=special, verbose=False)["input_ids"] for f in FILLERS)
    n = next((i for i, (a, b) in enumerate(zip(one[::-1], other[::-1], strict=False)) if a != b), 0)
    suffix = tuple(one[len(one) - n :]) if keeps_end else ()
    return Prompt(render, (before, between, after), first, suffix, special)


def check_room(prompt: Prompt, tokenizer: PreTrainedTokenizerBase, max_length: int, model_id: str) -> None:
    """Raises `ModelError` when what stands around the texts takes all that the model reads, less `ROOM` tokens."""
    around = tokenizer("".join(prompt.pieces), add_special_tokens=prompt.add_special_tokens, verbose=False)["input_ids"]
    if len(around) + ROOM > max_length:
        raise ModelError(
            f"{model_id} writes a pair into a prompt of {len(around)} tokens, and reads {max_length} in all, which "
            f"leaves no room for the pair. Load it with max_length={len(around) + ROOM} or more."
        )


def chat_renderer(
    tokenizer: PreTrainedTokenizerBase, instruction: str, structured: bool | None, template_options: dict[str, Any]
) -> Render:
    """Through the tokenizer's chat template, with the roles 'query' and 'document', as sentence-transformers does.

    `instruction`: the prompt of the checkpoint's settings, the system message. `structured`: None: by the template.
    """
    if structured is None:
        template = tokenizer.chat_template  # a dictionary where there are several, by name
        structured = not isinstance(template, str) or any(mark in template for mark in STRUCTURED)

    def content(text: str) -> Any:
        return [{"type": "text", "text": text}] if structured else text

    def render(query: str, document: str) -> str:
        system = [{"role": "system", "content": content(instruction)}] if instruction else []
        pair = [{"role": "query", "content": content(query)}, {"role": "document", "content": content(document)}]
        text = tokenizer.apply_chat_template([*system, *pair], tokenize=False, **template_options)
        return str(text)

    return render


@dataclass(frozen=True)
class Template:
    """A published way to ask: `text` with {query} and {document}, and the token or tokens whose logits answer.

    `true`: a token, or its id. `fits`: the labels of the families that it was made for. `keeps_end`: a pair that is too
    long is cut so that what follows the texts stays.
    """

    text: str
    true: str | int
    false: str | None
    fits: tuple[str, ...]
    add_special_tokens: bool = False
    keeps_end: bool = True

    def render(self, query: str, document: str) -> str:
        """Written in one pass, so that braces in the texts are text."""
        texts = {"{query}": query, "{document}": document}
        return "".join(texts.get(piece, piece) for piece in re.split(r"({query}|{document})", self.text))


_QWEN3 = (
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
    'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
    "<Instruct>: Given a web search query, retrieve relevant passages that answer the query\n<Query>: {query}\n"
    "<Document>: {document}<|im_end|>\n"
    "<|im_start|>assistant\n<think>\n\n</think>\n\n"
)
_MXBAI2 = (
    "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
    "<|im_start|>user\nquery: {query}\ndocument: {document}\nYou are a search relevance expert who evaluates how well "
    "documents match search queries. For each query-document pair, carefully analyze the semantic relationship between "
    "them, then provide your binary relevance judgment (0 for not relevant, 1 for relevant).\nRelevance:<|im_end|>\n"
    "<|im_start|>assistant\n"
)
_GEMMA = (
    "<bos>A: {query}\nB: {document}\nGiven a query A and a passage B, determine whether the passage contains an answer "
    "to the query by providing a prediction of either 'Yes' or 'No'."
)
_ZERANK = "<|im_start|>system\n{query}<|im_end|>\n<|im_start|>user\n{document}<|im_end|>\n<|im_start|>assistant\n"
_CTXL = (
    "Check whether a given document contains information helpful to answer the query.\n<Document> {document}\n"
    "<Query> {query} ??"
)
_MONOT5 = "Query: {query} Document: {document} Relevant:"
# For checkpoints whose files say nothing of their prompt, by name in `load_reranker(template=...)`, in a row of MODELS
# or of FAMILIES. Each equals, word for word, what its makers' code writes:
# - qwen3-reranker: the model card's `format_instruction` between its prefix and suffix
# - zerank-1: zeroentropy/zerank-1-small, modeling_zeranker.py, with Qwen3's chat template. The
#   score is the logit of "Yes"; their code divides it by 5 before the sigmoid, since May 2026 it does not
# - ctxl-rerank: the card of ctxl-rerank-v2-instruct-multilingual-1b, without an instruction; the score is the logit of
#   token 0, and the whole prompt is cut at its end
# - mxbai-rerank-v2: mixedbread-ai/mxbai-rerank, mxbai_rerank_v2.py, without an instruction
# - bge-reranker-gemma: FlagOpen/FlagEmbedding, inference/reranker/decoder_only/base.py, which reads logits[:, -1, Yes]
# - llama-nemotron-rerank: the card of nvidia/llama-nemotron-rerank-1b-v2
# - monot5: castorini/pygaggle, model/tokenize.py (T5BatchTokenizer) and rerank/transformer.py (MonoT5, whose score is
#   log_softmax over the two logits); of a pair that is too long they cut the end, "Relevant:" with it, here it stays
# - mmarco-mt5: the same with the words that MonoT5 reads of unicamp-dl/mt5-base-mmarco-v2
QWEN3 = ("Qwen3", "Qwen3.5")
TEMPLATES: dict[str, Template] = {
    "qwen3-reranker": Template(_QWEN3, "yes", "no", QWEN3),
    "zerank-1": Template(_ZERANK, "Yes", None, QWEN3),
    "ctxl-rerank": Template(_CTXL, 0, None, (*QWEN3, "Mistral"), add_special_tokens=True, keeps_end=False),
    "mxbai-rerank-v2": Template(_MXBAI2, "1", "0", ("Qwen2",)),
    "bge-reranker-gemma": Template(_GEMMA, "Yes", None, ("Gemma",)),
    "llama-nemotron-rerank": Template(
        "question:{query} \n \n passage:{document}", "", None, ("Llama, bidirectional",), add_special_tokens=True
    ),
    "monot5": Template(_MONOT5, "▁true", "▁false", ("T5",), add_special_tokens=True),
    "mmarco-mt5": Template(_MONOT5, "▁yes", "▁no", ("mT5",), add_special_tokens=True),
}
