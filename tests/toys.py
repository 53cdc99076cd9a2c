"""Tiny real things made in code, without network: checkpoints, tokenizers, data sets, jobs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

FILLER = [
    *("please", "my", "the", "a", "i", "it", "was", "is", "have", "you", "for", "this", "when"),
    *("can", "order", "today", "again", "help"),
]
TOPICS = {
    "refund": ["refund", "money", "back", "return", "charged", "twice", "cancel", "payment"],
    "delivery": ["parcel", "late", "courier", "tracking", "arrive", "shipped", "missing"],
    "account": ["password", "login", "email", "locked", "account", "reset", "code", "sign"],
}
WORDS = sorted({*FILLER, *(word for words in TOPICS.values() for word in words)})
CHARACTERS = list("abcdefghijklmnopqrstuvwxyz0123456789.,!?'-")
CHINESE = list("退款我要快递账户密码")

HIDDEN, LAYERS, POSITIONS = 32, 2, 64
SMALL = {
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": POSITIONS,
}
# Larger than usual, so that the features of two texts differ plainly.
SPREAD = {"initializer_range": 0.25}
GROUPED = {**SMALL, "num_key_value_heads": 2, "head_dim": 8}
BY_POSITION = {"max_position_embeddings": POSITIONS + 2}

# kind: (class of the config, its settings, order of the special tokens)
BERT_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
ROBERTA_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
DECODER_TOKENS = ("<|end|>", "<unk>")
BYTE_TOKENS = ("<|endoftext|>",)
ENCODERS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "bert": ("BertConfig", SMALL, BERT_TOKENS),
    "roberta": ("RobertaConfig", {**SMALL, **BY_POSITION}, ROBERTA_TOKENS),
    "distilbert": (
        "DistilBertConfig",
        {
            "dim": HIDDEN,
            "n_layers": LAYERS,
            "n_heads": 4,
            "hidden_dim": 48,
            "max_position_embeddings": POSITIONS,
        },
        BERT_TOKENS,
    ),
    "albert": ("AlbertConfig", {**SMALL, "embedding_size": 16}, BERT_TOKENS),
    "deberta-v2": (
        "DebertaV2Config",
        {
            **SMALL,
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_buckets": 16,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
        },
        BERT_TOKENS,
    ),
    "modernbert": (
        "ModernBertConfig",
        {**SMALL, "num_hidden_layers": 3, "local_attention": 8, "global_attn_every_n_layers": 2},
        BERT_TOKENS,
    ),
    "xlm-roberta": ("XLMRobertaConfig", {**SMALL, **BY_POSITION}, ROBERTA_TOKENS),
}
DECODERS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "gpt2": (
        "GPT2Config",
        {"n_embd": HIDDEN, "n_layer": LAYERS, "n_head": 4, "n_positions": POSITIONS},
        DECODER_TOKENS,
    ),
    "qwen2": ("Qwen2Config", GROUPED, BYTE_TOKENS),
    "qwen3": ("Qwen3Config", GROUPED, DECODER_TOKENS),
    "glm": ("GlmConfig", GROUPED, DECODER_TOKENS),
}
CHECKPOINTS = {**ENCODERS, **DECODERS}


def placement() -> Any:
    """On the CPU with one thread: tiny products do not fill two."""
    from graftwork.runtime.devices import place

    return place("cpu", "float32", threads=1)


def tokenizer(tokens: tuple[str, ...]) -> Any:
    """WordPiece for encoders; for decoders words, or bytes (Qwen2), without special tokens."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    if tokens == BYTE_TOKENS:
        from transformers import Qwen2Tokenizer

        letters = sorted(pre_tokenizers.ByteLevel.alphabet())
        alone = {letter: number for number, letter in enumerate([*tokens, *letters])}
        return Qwen2Tokenizer(vocab=alone, merges=[])
    pieces = [*tokens, *WORDS, *CHINESE, *CHARACTERS, *(f"##{c}" for c in CHARACTERS)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    decoder = tokens == DECODER_TOKENS
    unknown = next(token for token in tokens if "unk" in token.lower())
    kind = models.WordLevel if decoder else models.WordPiece
    made = Tokenizer(kind(vocabulary, unk_token=unknown))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if decoder:
        return PreTrainedTokenizerFast(
            tokenizer_object=made, eos_token="<|end|>", unk_token=unknown
        )
    begin, end = ("<s>", "</s>") if tokens is ROBERTA_TOKENS else ("[CLS]", "[SEP]")
    padding = next(token for token in tokens if "pad" in token.lower())
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} $B {end}",
        special_tokens=[(begin, vocabulary[begin]), (end, vocabulary[end])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        cls_token=begin,
        sep_token=end,
        unk_token=unknown,
        pad_token=padding,
        mask_token=tokens[-1],
        model_max_length=POSITIONS,
    )


def checkpoint(kind: str, folder: Path, *, seed: int = 0, **changes: Any) -> Path:
    """Write a tiny checkpoint of that kind with random weights, as transformers writes it."""
    import torch
    import transformers

    name, settings, tokens = CHECKPOINTS[kind]
    words = tokenizer(tokens)
    roles = ("pad", "bos", "eos", "cls", "sep")
    special = {f"{role}_token_id": getattr(words, f"{role}_token_id") for role in roles}
    options = {**SPREAD, **settings, **special, "vocab_size": len(words), **changes}
    config = getattr(transformers, name)(**options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = transformers.AutoModel.from_config(config)
    bars = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    network.save_pretrained(folder)
    if bars:
        transformers.utils.logging.enable_progress_bar()
    words.save_pretrained(folder)
    return folder


def sentences(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """(texts, labels): each text has a word or two of its topic, and one in twelve of another."""
    rng = np.random.default_rng(seed)
    names, texts, labels = list(TOPICS), [], []
    for number in range(n):
        label = names[number % len(names)]
        told = label if rng.random() > 1 / 12 else names[rng.integers(len(names))]
        words = [*rng.choice(FILLER, rng.integers(1, 9)), *rng.choice(TOPICS[told], 2)]
        texts.append(" ".join(rng.permutation(words)) + f" {number}")
        labels.append(label)
    return texts, labels


def contrary(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """(texts, labels): two words decide together, and neither of them alone tells anything.

    No sum over words can know such labels, and features of a frozen network know them by halves.
    """
    rng, texts, labels = np.random.default_rng(seed), [], []
    for _ in range(n):
        first, second = rng.integers(0, 2, 2)
        told = [("refund", "parcel")[first], ("login", "late")[second]]
        texts.append(" ".join(rng.permutation([*told, *rng.choice(FILLER, 3)])))
        labels.append("alike" if first == second else "different")
    return texts, labels


def dataset(
    inputs: dict[str, list[Any]], labels: list[Any], *, test: np.ndarray | None = None
) -> Any:
    """A `Dataset` of these columns; `test` (bool) says which rows are held back."""
    from graftwork.data.dataset import TEST, TRAIN, Dataset
    from graftwork.data.keys import row_keys

    n = len(labels)
    parts = np.full(n, TRAIN, dtype=object)
    if test is not None:
        parts[test] = TEST
    return Dataset(
        inputs=inputs,
        target=labels,
        parts=parts,
        groups=np.arange(n),
        rows=np.arange(2, n + 2),
        keys=row_keys(list(inputs.values())),
        fingerprint="toy",
    )


def job(data: Any, backbones: dict[str, Any], root: Path, **settings: Any) -> Any:
    """A `Job` on all rows of `data` that are not test, its features stored under `root`."""
    from graftwork.data.dataset import TEST
    from graftwork.features.store import FeatureStore
    from graftwork.runs.progress import Progress
    from graftwork.stats.folds import stratified_group_folds
    from graftwork.strategies.strategy import Job
    from graftwork.tasks.classification import Classification

    rows = np.flatnonzero(data.parts != TEST)
    task = Classification.from_targets(data.labels(rows))
    codes = task.encode(data.labels(rows))
    made = Job(
        dataset=data,
        rows=rows,
        backbones=backbones,
        task=task,
        store=FeatureStore(root / "features"),
        folds=stratified_group_folds(codes, data.groups[rows], 3, 0),
        metric="accuracy",
        progress=Progress(),
    )
    return replace(made, **settings)
