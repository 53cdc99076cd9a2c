"""Where the words of a text begin and end, and the text without some of them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

__all__ = ["spans", "without"]

# Scripts written without spaces: ideographs, kana, bopomofo; Thai, Lao, Burmese, Khmer.
_SINGLE = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3040, 0x312F),
    (0x31A0, 0x31BF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x323AF),
)
_WORD = re.compile(r"\S+")


def spans(text: str) -> list[tuple[int, int]]:
    """(start, stop) of each word: what stands between spaces, with its punctuation.

    In scripts that are written without spaces each character is one, its combining marks with it;
    punctuation stays with the word or character before it.
    """
    found: list[tuple[int, int]] = []
    for match in _WORD.finditer(text):
        start, stop = match.span()
        if text[start:stop].isascii():
            found.append((start, stop))
        else:
            found.extend(_cut(text, start, stop))
    return found


def without(text: str, left_out: Collection[int]) -> str:
    """The text without the words of those numbers; of two spaces that then meet one stays."""
    gone = set(left_out)
    kept, last = [], 0
    for number, (start, stop) in enumerate(spans(text)):
        if number not in gone:
            continue
        kept.append(text[last:start])
        before = kept[-1][-1:] or (kept[-2][-1:] if len(kept) > 1 else "")
        joins = (not before or before.isspace()) and text[stop : stop + 1].isspace()
        last = stop + 1 if joins else stop
    return "".join([*kept, text[last:]]).strip()


def _cut(text: str, start: int, stop: int) -> list[tuple[int, int]]:
    """A run without spaces, cut where characters of a script without spaces begin and end."""
    found: list[tuple[int, int]] = []
    begin, single = start, False
    for place in range(start, stop):
        if place > begin and not _clings(text[place]):
            opened = all(map(_clings, text[begin:place]))  # an opening bracket has no word yet
            alone = _is_single(text[place])
            if (alone or single) and not opened:
                found.append((begin, place))
                begin = place
            single = alone
        elif place == begin:
            single = _is_single(text[place])
    return [*found, (begin, stop)]


def _is_single(character: str) -> bool:
    code = ord(character)
    return any(low <= code <= high for low, high in _SINGLE)


def _clings(character: str) -> bool:
    """Whether it belongs to what stands before it: combining marks and punctuation."""
    return unicodedata.category(character)[0] in "MP"
