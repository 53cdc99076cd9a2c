"""Cutting a text into the tokens of the lexical backbone."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

__all__ = ["is_word", "normalise", "tokenise"]

# Scripts written without spaces, or (Hangul) with long inflected words: one character, one token.
# Ideographs with their extensions and compatibility forms, kana, bopomofo, Hangul syllables.
_SINGLE = (
    "\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00016fe0-\U00018cff\U0001b000-\U0001b16f\U00020000-\U000323af"
)
# Punctuation that carries meaning; commas, full stops and brackets only make pairs noisy.
_SIGNS = "!?$€£¥%#@&+="
_ASCII = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[!?$%#@&+=]")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "\uff07": "'"})


@cache
def _pattern() -> re.Pattern[str]:
    """The general pattern; Python's letters leave out combining marks, which words need."""
    marks = _ranges([c for c in range(0x300, 0x20000) if _is_mark(c)])
    letter = rf"[^\W_{_SINGLE}]"
    word = rf"{letter}(?:{letter}|[{marks}])*(?:'{letter}+)?"
    flag = "[\U0001f1e6-\U0001f1ff]{2}"
    symbols = _ranges([c for c in range(0xA0, sys.maxunicode + 1) if _is_symbol(c)])
    return re.compile(rf"[{_SINGLE}]|{word}|{flag}|[{re.escape(_SIGNS)}{symbols}]")


def _is_mark(code: int) -> bool:
    # Variation selectors only choose a glyph.
    return unicodedata.category(chr(code))[0] == "M" and not 0xFE00 <= code <= 0xFE0F


def _is_symbol(code: int) -> bool:
    return unicodedata.category(chr(code)) == "So"  # emoji, dingbats, pictures


def _ranges(codes: list[int]) -> str:
    """Code points as the inside of a character class."""
    parts: list[str] = []
    start = previous = codes[0]
    for code in [*codes[1:], -1]:
        if code == previous + 1:
            previous = code
            continue
        parts.append(f"{chr(start)}-{chr(previous)}" if previous > start else chr(start))
        start = previous = code
    return "".join(parts)


def normalise(text: str) -> str:
    """Lower case, compatibility forms folded (NFKC: full width, ligatures), one apostrophe."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", text).lower().translate(_APOSTROPHES)


def tokenise(text: str) -> list[str]:
    """Tokens in order.

    Words of letters and digits, single characters of Chinese, Japanese and Korean, emoji, and the
    few punctuation signs that carry meaning.
    """
    text = normalise(text)
    return (_ASCII if text.isascii() else _pattern()).findall(text)


def is_word(token: str) -> bool:
    """Whether character n-grams are taken from the token (not from single characters)."""
    return len(token) > 1 and (token.isascii() or token[0].isalnum())
