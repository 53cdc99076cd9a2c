"""Counting a base's tokens with its tokenizer alone: no network, no torch, a second to start."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graftwork.bases._locate import locate
from graftwork.bases._tokenize import counts_of, single_characters

if TYPE_CHECKING:
    from graftwork.modalities.text_tokens import TokenCounts

__all__ = ["folder_counter", "token_counter"]

CHUNK = 2048  # texts a call: the tokenizer uses all cores within one


def token_counter(
    name: str, max_length: int | None = None
) -> Callable[[Sequence[str]], TokenCounts] | None:
    """What counts the tokens of texts as the base of that name would read them.

    None where the base has no tokens, or keeps its tokenizer in an older format than
    `tokenizer.json`.

    Raises:
        BaseModelError: there is no such base.
    """
    found = locate(name)
    if found.folder is None or not (found.folder / "tokenizer.json").is_file():
        return None
    length = max_length or (found.row.max_length if found.row else None)
    return folder_counter(found.folder, length or _read_length(found.folder))


def folder_counter(folder: Path, max_length: int) -> Callable[[Sequence[str]], TokenCounts]:
    """The same for a directory with a `tokenizer.json`; inputs are cut at `max_length` tokens."""
    from tokenizers import Tokenizer

    from graftwork.modalities.text_tokens import TokenCounts

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    unknown = _unknown(folder, tokenizer)
    single = single_characters(tokenizer.get_vocab())
    special = tokenizer.num_special_tokens_to_add(False)

    def count(texts: Sequence[str]) -> TokenCounts:
        ids = (
            encoding.ids
            for start in range(0, len(texts), CHUNK)
            for encoding in tokenizer.encode_batch_fast(
                list(texts[start : start + CHUNK]), add_special_tokens=False
            )
        )
        return TokenCounts(*counts_of(ids, unknown, single), max_length - special)

    return count


def _unknown(folder: Path, tokenizer: Any) -> int | None:
    """Id of the token for what the vocabulary does not hold."""
    content = _json(folder / "tokenizer.json")
    token = (content.get("model") or {}).get("unk_token")
    if token is None:
        told = _json(folder / "tokenizer_config.json").get("unk_token")
        token = told.get("content") if isinstance(told, dict) else told
    found = tokenizer.token_to_id(token) if isinstance(token, str) else None
    return None if found is None else int(found)


def _read_length(folder: Path) -> int:
    """Where the base cuts, as its files tell; 512 where they tell nothing."""
    trained = _json(folder / "sentence_bert_config.json").get("max_seq_length")
    if isinstance(trained, int):
        return trained
    positions = _json(folder / "config.json").get("max_position_embeddings")
    return min(512, positions) if isinstance(positions, int) and positions > 0 else 512


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
