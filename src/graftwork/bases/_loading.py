"""From a checked checkpoint directory to a network; the checkpoint's own code is never run."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from graftwork.bases._checkpoint import check_checkpoint
from graftwork.bases.huggingface import HuggingFace
from graftwork.errors import BaseModelError, Fault
from graftwork.runtime.devices import Placement, place

__all__ = [
    "known_here",
    "load_huggingface",
    "open_network",
    "quiet",
    "random_network",
    "weights_hash",
    "without_hooks",
]

LONGEST_DEFAULT = 512  # cost grows faster than length; `max_length` overrides
# Heads and poolers that a checkpoint may lack: nothing of theirs is in the hidden states.
NOT_IN_FEATURES = ("pooler", "lm_head", "classifier", "cls.", "score", "position_ids", "mask_token")
# What transformers raises on a checkpoint that it cannot open.
_OPENING_ERRORS = (
    *(RuntimeError, ValueError, OSError, KeyError, TypeError, AttributeError, ImportError),
)


def load_huggingface(
    folder: Path,
    *,
    placement: Placement | None = None,
    max_length: int | None = None,
    facts: dict[str, Any] | None = None,
) -> HuggingFace:
    """Check and open a checkpoint directory (see `HuggingFace.load`)."""
    placement = placement or place()
    check_checkpoint(folder)
    tokenizer = _tokenizer(folder)
    network = open_network(folder, placement)
    limit = _length_limit(tokenizer, network.config)
    special = tokenizer.num_special_tokens_to_add()
    if max_length is not None and not special < max_length <= limit:
        raise BaseModelError(
            f"max_length {max_length}: base {str(folder)!r} reads {special + 1} to {limit} tokens, "
            f"{special} special ones among them"
        )
    return HuggingFace(
        network,
        tokenizer,
        folder,
        max_length=max_length or min(limit, _trained_length(folder) or LONGEST_DEFAULT),
        placement=placement,
        weights_hash=weights_hash(network),
        facts=facts,
    )


def random_network(config: Any, seed: int, placement: Placement) -> Any:
    """A network of that architecture with its own initialisation, drawn from `seed`."""
    import torch
    from transformers import AutoModel

    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        # what the trained network took, never what a config asks for (see `_from_pretrained`)
        network = AutoModel.from_config(config, attn_implementation=config._attn_implementation)
    return network.to(device=placement.device, dtype=placement.dtype).eval()


def without_hooks(network: Any) -> Any:
    """A copy that shares all tensors and lacks the hooks which transformers sets when first run.

    They are local functions, so that a network that was used could not be pickled; the copy, and
    what is unpickled from it, sets them anew.
    """
    tensors = [*network.parameters(), *network.buffers()]
    twin = copy.deepcopy(network, {id(tensor): tensor for tensor in tensors})
    for module in twin.modules():
        for key, hook in list(module._forward_hooks.items()):
            if getattr(hook, "__module__", "").startswith("transformers."):
                del module._forward_hooks[key]
        module.__dict__.pop("_output_capturing_hooks_installed", None)
    return twin


def known_here(network: Any) -> None:
    """Let transformers know the class of an unpickled network in this process.

    It notes which outputs a class can record when one is first made; without that an unpickled
    network gives no hidden states. Making one on the meta device costs no memory.
    """
    import torch

    with torch.device("meta"), torch.random.fork_rng(devices=[]), quiet():
        type(network)(network.config)


def open_network(folder: Path, placement: Placement) -> Any:
    """The network of a checked checkpoint directory, in evaluation mode.

    Raises:
        BaseModelError: its weights do not fit its config, or transformers cannot open it.
    """
    try:
        network, info = _from_pretrained(folder, placement)
    except _OPENING_ERRORS as error:
        raise BaseModelError(
            faults=[Fault(f"transformers cannot open it: {_first_lines(error)}", str(folder))]
        ) from error
    missing = [
        key for key in info["missing_keys"] if not any(part in key for part in NOT_IN_FEATURES)
    ]
    wrong = [
        f"tensor {key!r} has the shape {tuple(found)}; config.json asks for {tuple(asked)}"
        for key, found, asked in info.get("mismatched_keys", ())
    ]
    if missing or wrong:
        raise BaseModelError(
            f"base {str(folder)!r}: the weights do not fit the architecture in config.json",
            faults=[
                *(Fault(f"tensor {key!r} is missing") for key in sorted(missing)[:10]),
                *(Fault(words) for words in sorted(wrong)[:10]),
            ],
        )
    return network.to(placement.device).eval()


def _from_pretrained(folder: Path, placement: Placement) -> tuple[Any, dict[str, Any]]:
    """The network with torch's own attention: a config may ask for a kernel from the hub."""
    try:
        return _attending(folder, placement, "sdpa")
    except ValueError:  # an architecture without it, among others; those fail again
        return _attending(folder, placement, "eager")


def _attending(folder: Path, placement: Placement, how: str) -> tuple[Any, dict[str, Any]]:
    import torch
    from transformers import AutoConfig, AutoModel

    with torch.random.fork_rng(devices=[]), quiet():
        config = AutoConfig.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        config._attn_implementation = how  # what the file says would win over the argument below
        torch.manual_seed(0)  # a pooler that the checkpoint lacks is drawn, always the same
        network, info = AutoModel.from_pretrained(
            str(folder),
            config=config,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported, so that the refusal can name them
            dtype=placement.dtype,
            attn_implementation=how,
        )
    return network, info


def weights_hash(network: Any) -> str:
    """SHA-256 over the tensors that features depend on: file layout and heads change nothing."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        if not any(part in name for part in NOT_IN_FEATURES):
            digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
            flat = tensor.detach().cpu().contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
    except Exception as error:  # the tokenizers library raises plain Exception
        raise BaseModelError(
            faults=[Fault(f"its tokenizer cannot be opened: {_first_lines(error)}", str(folder))]
        ) from error
    tokenizer.padding_side = "right"
    return tokenizer


def _length_limit(tokenizer: Any, config: Any) -> int:
    """Longest input in tokens that the tokenizer and the positions allow."""
    limits = [int(tokenizer.model_max_length)]
    positions = getattr(config, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        # RoBERTa's positions begin after the padding index
        offset = (config.pad_token_id or 0) + 1 if config.model_type in _OFFSET_POSITIONS else 0
        limits.append(positions - offset)
    return min(limits)


def _trained_length(folder: Path) -> int | None:
    """Where sentence-transformers (and our own `save`) say that inputs are cut."""
    file = folder / "sentence_bert_config.json"
    if not file.is_file():
        return None
    with contextlib.suppress(ValueError, TypeError, KeyError):
        length = int(json.loads(file.read_text("utf-8"))["max_seq_length"])
        return length if length > 0 else None
    return None


_OFFSET_POSITIONS = {"roberta", "xlm-roberta", "camembert", "longformer", "mpnet"}


def _first_lines(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3])[:400] or type(error).__name__


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers' own progress bars and load reports off the user's terminal."""
    from transformers.utils import logging as theirs

    level, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity(logging.CRITICAL)
    theirs.disable_progress_bar()
    try:
        yield
    finally:
        theirs.set_verbosity(level)
        if bars:
            theirs.enable_progress_bar()
