"""Hugging Face text encoders and decoders as frozen backbones."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from graftwork.bases.backbone import Capability, Shape
from graftwork.bases.hints import TuningHints
from graftwork.errors import BaseModelError, UnsupportedError
from graftwork.registry import Declaration, declare

if TYPE_CHECKING:
    import numpy as np

    from graftwork.bases._low_rank import LowRankNetwork
    from graftwork.bases._token_passes import TokenPasses
    from graftwork.bases._tokenize import Tokens
    from graftwork.bases._tunable import TunableNetwork
    from graftwork.modalities.text_tokens import TokenCounts
    from graftwork.runtime.devices import Placement

__all__ = ["HuggingFace", "plain_config"]

PROCESSOR_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "tokenizer.model",
)


# What a config says that changes no hidden state, so that a saved copy is the same backbone.
NOT_IN_FEATURES = (
    "_name_or_path",
    "architectures",
    "dtype",
    "id2label",
    "label2id",
    "problem_type",
    "torch_dtype",
    "transformers_version",
    "use_cache",
)


@declare(
    "huggingface",
    title="A Hugging Face text encoder or decoder, from a directory or by hub name",
    source="Wolf et al. 2020",
)
class HuggingFace:
    """A frozen transformer that gives one vector per layer and pooling.

    Encoders (BERT, RoBERTa, DistilBERT, ALBERT, DeBERTa, ModernBERT, XLM-R, …) are pooled by the
    mean over tokens and by the first token; decoders (GPT-2, Qwen, GLM, …) by the last token, the
    only one that saw the whole text, and by the mean.

    Open one with `graftwork.bases.open_base` or `load`; the constructor takes finished parts.

    Args:
        network: a transformers model in evaluation mode.
        tokenizer: its fast tokenizer.
        folder: where its files lie (copied by `save`).
        max_length: longest input in tokens; what is beyond is cut.
        placement: device, precision and threads.
        random_seed: set for a twin with random weights (a control), None for the real one.
        facts: catalog facts for `describe` (licence, source, languages).
    """

    declaration: ClassVar[Declaration]
    kind = "huggingface"
    modality = "text"
    shapes = frozenset({Shape.POOLED, Shape.TOKENS})
    loaders = ("AutoModel", "AutoTokenizer")
    # measured with 8 and 16 a label (bench/few_labels.py); up to 128 in a few trials
    hints = TuningHints(contrast_rows=100)

    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        folder: Path,
        *,
        max_length: int,
        placement: Placement,
        weights_hash: str,
        random_seed: int | None = None,
        facts: dict[str, Any] | None = None,
    ) -> None:
        from graftwork.bases._token_passes import is_decoder

        self.network = network
        self.tokenizer = tokenizer
        self.folder = folder
        self.max_length = max_length
        self.placement = placement
        self.random_seed = random_seed
        self.facts = facts or {}
        self._weights_hash = weights_hash
        self._processor = _processor_hashes(folder)  # now: the folder may move later
        self.config = network.config
        self.n_layers = int(self.config.num_hidden_layers) + 1
        self.dim = int(self.config.hidden_size)
        self.poolings = ("last", "mean") if is_decoder(self.config) else ("mean", "first")

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        placement: Placement | None = None,
        max_length: int | None = None,
        **facts: Any,
    ) -> HuggingFace:
        """Open a checkpoint directory.

        Raises:
            BaseModelError: it is damaged, incomplete, or its weights do not fit its config.
        """
        from graftwork.bases._loading import load_huggingface

        return load_huggingface(folder, placement=placement, max_length=max_length, facts=facts)

    def __getstate__(self) -> dict[str, Any]:
        """Without the hooks of transformers: not to be pickled, and set anew when needed."""
        from graftwork.bases._loading import without_hooks

        return {**self.__dict__, "network": without_hooks(self.network)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from graftwork.bases._loading import known_here

        self.__dict__.update(state)
        known_here(self.network)

    def fingerprint(self) -> str:
        """SHA-256 over weights, config, tokenizer, cut length and precision."""
        from graftwork.storage.hashing import digest_json

        return digest_json(
            {
                "kind": self.kind,
                "weights": self._weights_hash,
                "config": plain_config(self.config),
                "processor": self._processor,
                "max_length": self.max_length,
                "precision": self.placement.precision,
                "poolings": list(self.poolings),
                "random_seed": self.random_seed,
            }
        )

    def supports(self, capability: Capability) -> bool:
        """Tuned in whole always; from a boundary where its layers stand one by one."""
        from graftwork.bases._layers import layer_list

        if capability == Capability.TRAIN:
            return True
        if capability == Capability.LORA:
            from graftwork.bases._low_rank import adaptable

            return bool(adaptable(self.network, self.passes().still))
        return capability == Capability.BOUNDARY and layer_list(self.network).path is not None

    def prepare(self, inputs: Sequence[Any]) -> Tokens:
        """Tokenise texts (special tokens added, cut at `max_length`); None is the empty text.

        Raises:
            BaseModelError: the tokenizer gives tokens that the weights do not know.
        """
        from graftwork.bases._tokenize import tokenize

        texts = ["" if text is None else str(text) for text in inputs]
        prepared = tokenize(self.tokenizer, texts, self.max_length)
        rows = self._vocabulary_rows()
        if len(prepared.ids) and int(prepared.ids.max()) >= rows:
            raise BaseModelError(
                f"base {str(self.folder)!r}: its tokenizer gives token {int(prepared.ids.max())}, "
                f"its weights know 0 to {rows - 1}; tokenizer and weights do not belong together"
            )
        return prepared

    def _vocabulary_rows(self) -> int:
        return int(self.network.get_input_embeddings().weight.shape[0])

    def padding(self) -> int:
        """A token to fill rows with; masked out, so any that the weights know will do."""
        pad = self.tokenizer.pad_token_id
        return int(pad) if pad is not None and pad < self._vocabulary_rows() else 0

    def count_tokens(self, texts: Sequence[str]) -> TokenCounts:
        """Tokens, unknown and single-character ones of each text, for the audit."""
        from graftwork.bases._token_counter import folder_counter
        from graftwork.bases._tokenize import token_counts
        from graftwork.modalities.text_tokens import TokenCounts

        if (self.folder / "tokenizer.json").is_file():
            return folder_counter(self.folder, self.max_length)(texts)
        special = self.tokenizer.num_special_tokens_to_add()
        return TokenCounts(*token_counts(self.tokenizer, texts), self.max_length - special)

    def encode(self, prepared: Tokens, index: np.ndarray, shape: Shape) -> Any:
        """One batch through the network.

        Returns:
            POOLED: float32 (len(index), layers, poolings, d), layer 0 being the embeddings.
            TOKENS: list of float32 (tokens, d) of the last layer.
        """
        import torch

        from graftwork.nn.pooling import pool_layers

        if shape not in self.shapes:
            raise UnsupportedError(f"{self.kind} gives {sorted(self.shapes)}, not {shape}")
        with torch.inference_mode():
            layers, lengths = self._hidden_states(prepared, index)
            if shape == Shape.TOKENS:
                last = layers[-1].float().cpu().numpy()
                return [row[:n] for row, n in zip(last, lengths.tolist(), strict=True)]
            return pool_layers(layers, lengths, self.poolings).cpu().numpy()

    def _hidden_states(self, prepared: Tokens, index: np.ndarray) -> tuple[Any, Any]:
        from graftwork.bases._token_passes import run_network

        ids, lengths = prepared.padded(index, self.padding())
        return run_network(self.network, ids, lengths, self.placement.device)

    def passes(self) -> TokenPasses:
        """How its network is run in parts, for those that tune it."""
        from graftwork.bases._token_passes import TokenPasses

        return TokenPasses(self)

    def tunable(self, top: int | None = None, *, everything: bool = False) -> TunableNetwork:
        """A copy whose upper layers train (see `graftwork.bases.tunable.Tunable`).

        Args:
            top: number of upper layers; None: all.
            everything: embeddings train too (for networks that begin with random weights).

        Raises:
            UnsupportedError: the architecture has no boundary between layers.
            ParameterError: it has not so many layers.
        """
        from graftwork.bases._tunable import TunableNetwork

        return TunableNetwork(self, top, everything=everything)

    def low_rank(self, rank: int, alpha: float, seed: int) -> LowRankNetwork:
        """A copy whose weights stand still under low-rank adapters that train.

        Raises:
            MissingExtraError: `peft` is not installed.
            UnsupportedError: the network has no linear layers.
        """
        from graftwork.bases._low_rank import LowRankNetwork

        return LowRankNetwork(self, rank, alpha, seed)

    def twin(self, seed: int) -> HuggingFace:
        """The same architecture with random weights, never trained.

        The control that shows whether pre-training, rather than the architecture, is what helps.
        """
        from graftwork.bases._loading import random_network

        return self.with_network(
            random_network(self.config, seed, self.placement),
            weights_hash=f"random:{seed}",
            random_seed=seed,
            facts={"name": "random weights"},
        )

    def with_network(self, network: Any, **parts: Any) -> HuggingFace:
        """The same tokenizer, cut and placement before another network of this architecture."""
        return HuggingFace(
            network,
            self.tokenizer,
            self.folder,
            max_length=self.max_length,
            placement=self.placement,
            **parts,
        )

    def save(self, folder: Path) -> None:
        """Write config, weights (safetensors) and tokenizer; `transformers` opens the result."""
        from graftwork.bases._loading import quiet
        from graftwork.storage.json_files import write_json

        with quiet():
            self.network.save_pretrained(folder)
        for name in PROCESSOR_FILES:
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, folder / name)
        if not (folder / "tokenizer.json").is_file():
            self.tokenizer.save_pretrained(folder)
        # the file by which sentence-transformers tells where inputs are cut
        write_json(folder / "sentence_bert_config.json", {"max_seq_length": self.max_length})

    def describe(self) -> dict[str, Any]:
        """Architecture, size and origin as plain values."""
        return {
            "kind": self.kind,
            "modality": self.modality,
            "architecture": type(self.network).__name__,
            "layers": self.n_layers - 1,
            "dimensions": self.dim,
            "parameters": sum(p.numel() for p in self.network.parameters()),
            "vocabulary": len(self.tokenizer),
            "max_length": self.max_length,
            "poolings": list(self.poolings),
            "precision": self.placement.precision,
            "weights": self._weights_hash,
            **self.facts,
        }


def plain_config(config: Any) -> dict[str, Any]:
    """What a config says that features depend on."""
    plain = config.to_dict()
    for name in NOT_IN_FEATURES:
        plain.pop(name, None)
    return plain


def _processor_hashes(folder: Path) -> dict[str, str]:
    from graftwork.storage.hashing import sha256_file

    return {
        name: sha256_file(folder / name) for name in PROCESSOR_FILES if (folder / name).is_file()
    }
