"""Which encoding a text file is in: read aloud when certain, else refused with a suggestion.

UTF-8 is checked over the whole file. A byte-order mark decides. Without one, UTF-16 shows itself
by its NUL bytes. Of the old single- and double-byte encodings only two are ever taken as certain:
Western European (Latin-1 or its superset cp1252) where every high byte of the file is a Western
letter or typographic mark and Western function words surround them, and GB18030 where the whole
file decodes to Chinese whose commonest characters are as common as they are in Chinese. All
else is refused, naming the likeliest `--encoding`.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from graftwork.data.readers.files import CHUNK, FileFacts, line_at
from graftwork.errors import DataError, Fault, ParameterError, nearest

__all__ = ["Encoding", "decide_encoding", "undecodable"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32 (little-endian)"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32 (big-endian)"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16 (little-endian)"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16 (big-endian)"),
)
_WESTERN = frozenset(
    "àâäáãåæçéèêëíìîïñóòôöõøúùûüÿßœÀÂÄÁÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØÚÙÛÜŒ€£©®°§«»¿¡·´½¼²‘’“”„–—…•™\u00a0"
)
_FUNCTION_WORDS = (
    "the and of to is in it was for this that with not a i you le la les des et est une un "
    "que pas pour dans je ce qui sur avec der die das und ist nicht ich ein eine mit zu "
    "auf für el los las de es en no por con una se il di che non per sono da um uma o os "
    "com não och att det som jag het een van ik og er på til"
)
_WORDS = frozenset(_FUNCTION_WORDS.split())
# The commonest characters of written Chinese; they cover about two fifths of any text in it.
_HAN = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于"
    "着下自之年过发后作里用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还"
    "进好小部其些主样理心本前开但因只从想实"
)
_MARKS = frozenset("“”‘’—…·")
_SUGGEST = ("gb18030", "big5", "shift_jis", "euc_kr", "cp1251")


@dataclass(frozen=True)
class Encoding:
    """How a file's bytes become text.

    Attributes:
        name: Python's name of the codec.
        bom: whether a byte-order mark stood at the front.
        how: ``given``, ``checked`` (valid UTF-8), ``bom`` or ``found``.
        note: a sentence for the user, where it was not plain UTF-8.
    """

    name: str
    bom: bool = False
    how: str = "checked"
    note: str | None = None

    def details(self) -> dict[str, Any]:
        """What a table's source tells of it."""
        return {"encoding": self.name, "encoding_how": self.how, "bom": self.bom}


def undecodable(file: str, row: int, encoding: str, why: object) -> DataError:
    """The error of a file whose bytes are, from `row` on, no text in that encoding."""
    message = f"cannot be read as {encoding}: {why}"
    hint = "pass the file's true encoding with --encoding X"
    return DataError(faults=[Fault(message, file=file, row=row, hint=hint)])


def decide_encoding(facts: FileFacts, given: str | None = None) -> Encoding:
    """The encoding of a scanned file.

    Args:
        facts: what `scan` found.
        given: the user's `--encoding`; it wins over everything but is checked while decoding.

    Raises:
        ParameterError: Python knows no such encoding.
        DataError: the encoding is not certain (with the one to pass), or NUL bytes stand in it.
    """
    name = facts.path.name
    if given is not None:
        chosen = _given(given, facts)
    elif (marked := _by_bom(facts)) is not None:
        chosen = marked
    elif facts.nul_at is not None:
        chosen = _wide(facts) or Encoding("utf-8")
    elif facts.bad_at is None:
        chosen = Encoding("utf-8")
    else:
        return _old(facts)
    if facts.nul_at is not None and not _is_wide(chosen.name):
        row = line_at(facts.path, facts.nul_at)
        raise DataError(
            faults=[
                Fault(
                    f"a NUL byte at byte {facts.nul_at}; text files hold none",
                    file=str(facts.path),
                    row=row,
                    hint="a damaged file, a binary one, or another encoding: pass --encoding X",
                )
            ]
        )
    if chosen.how == "bom" and facts.bad_at is not None and chosen.name == "utf-8-sig":
        raise DataError(faults=[_not_utf8(facts, "although it begins with UTF-8's mark", name)])
    return chosen


def _is_wide(name: str) -> bool:
    return name.replace("_", "-").lower().startswith(("utf-16", "utf-32"))


def _given(given: str, facts: FileFacts) -> Encoding:
    try:
        info = codecs.lookup(given)
        if not getattr(info, "_is_text_encoding", True):
            raise LookupError(given)
    except (LookupError, ValueError) as error:
        common = ["utf-8", "utf-16", "latin-1", "cp1252", "gb18030", "big5", "shift_jis", "cp1251"]
        close = nearest(given, common)
        hint = f"did you mean {close!r}?" if close else None
        message = f"no encoding named {given!r}; common ones: {', '.join(common)}"
        raise ParameterError(faults=[Fault(message, field="encoding", hint=hint)]) from error
    name, bom = info.name, False
    marked = _by_bom(facts)
    if marked and name in ("utf-8", "utf-16-le", "utf-16-be"):
        # the mark is no text: the codec that leaves it out is used
        name, bom = marked.name if marked.name[:6] == name[:6] else name, True
    return Encoding(name, bom=bom, how="given")


def _by_bom(facts: FileFacts) -> Encoding | None:
    for mark, codec, title in _BOMS:
        if facts.head.startswith(mark):
            note = f"{facts.path.name} begins with a byte-order mark and was read as {title}"
            return Encoding(codec, bom=True, how="bom", note=note)
    return None


def _wide(facts: FileFacts) -> Encoding | None:
    """UTF-16 without a mark, where one byte order, and only one, gives sound text."""
    if facts.size % 2:
        return None
    sound = [codec for codec in ("utf-16-le", "utf-16-be") if _sound_utf16(facts, codec)]
    if len(sound) != 1:
        return None
    note = (
        f"{facts.path.name} has no byte-order mark; it is {sound[0].upper()} and was read as such"
    )
    return Encoding(sound[0], how="found", note=note)


def _sound_utf16(facts: FileFacts, codec: str) -> bool:
    try:
        text = codecs.getincrementaldecoder(codec)().decode(facts.head)
    except UnicodeDecodeError:
        return False
    if not re.search(r"[\r\n]", text):
        return False
    bad = sum(
        unicodedata.category(c) in ("Cc", "Cn", "Co") and c not in "\t\r\n" for c in text[:65536]
    )
    return bad == 0 and _decodes(facts, codec)


def _decodes(facts: FileFacts, codec: str) -> bool:
    """Whether the whole file is valid in `codec`."""
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with facts.path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _old(facts: FileFacts) -> Encoding:
    """An encoding of before Unicode: taken where certain, refused where not."""
    name = facts.path.name
    chinese = _decodes(facts, "gb18030")
    if chinese and _reads_chinese(_sample(facts, "gb18030")):
        return Encoding(
            "gb18030", how="found", note=f"{name} is not UTF-8; it is GB18030 and was read as such"
        )
    western = _western_codec(facts)
    if western and _reads_western(_sample(facts, western)):
        title = "Latin-1" if western == "latin-1" else "cp1252 (Windows Western)"
        note = f"{name} is not UTF-8; it is {title} and was read as such"
        return Encoding(western, how="found", note=note)
    found = _likeliest(facts, western)
    raise DataError(faults=[_not_utf8(facts, f"it may be {found}, but that is not certain", found)])


def _not_utf8(facts: FileFacts, why: str, found: str) -> Fault:
    assert facts.bad_at is not None
    with facts.path.open("rb") as stream:
        stream.seek(facts.bad_at)
        byte = stream.read(1)
    return Fault(
        f"byte {facts.bad_at} (0x{byte.hex().upper()}) is not UTF-8; {why}",
        file=str(facts.path),
        row=line_at(facts.path, facts.bad_at),
        hint=f"pass the file's encoding, e.g. --encoding {found}",
    )


def _sample(facts: FileFacts, codec: str) -> str:
    """Text around the file's high bytes: the head, and where the first high byte stands."""
    with facts.path.open("rb") as stream:
        stream.seek(max(0, (facts.bad_at or 0) - 4096))
        near = stream.read(1 << 20)
    return (facts.head[: 1 << 20] + b"\n" + near).decode(codec, errors="replace")


def _reads_chinese(text: str) -> bool:
    han = [c for c in text if "\u4e00" <= c <= "\u9fff"]
    high = sum(ord(c) > 0x7F for c in text)
    if len(han) < 8:
        return False
    kept = sum(
        "\u4e00" <= c <= "\u9fff"
        or "\u3000" <= c <= "\u303f"
        or "\uff00" <= c <= "\uffef"
        or c in _MARKS
        for c in text
    )
    common = sum(c in _HAN for c in han) / len(han)
    return kept >= 0.95 * high and common >= 0.2


def _western_codec(facts: FileFacts) -> str | None:
    """latin-1 or cp1252 where every high byte of the file is a Western letter or mark in it."""
    high: set[int] = set()
    with facts.path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            high.update(set(chunk))
    high = {byte for byte in high if byte > 0x7F}
    codec = "cp1252" if any(byte < 0xA0 for byte in high) else "latin-1"
    try:
        letters = bytes(sorted(high)).decode(codec)
    except UnicodeDecodeError:
        return None
    return codec if all(letter in _WESTERN for letter in letters) else None


def _reads_western(text: str) -> bool:
    """High bytes stand alone among ASCII, in text full of Western function words."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    runs = re.findall(r"[\x80-\uffff]+", text)
    if not words or not runs:
        return False
    alone = sum(len(run) == 1 for run in runs) / len(runs)
    share = sum(word in _WORDS for word in words) / len(words)
    return alone >= 0.9 and share >= 0.1


def _likeliest(facts: FileFacts, western: str | None) -> str:
    text = _sample(facts, "latin-1")
    runs = re.findall(r"[\x80-\xff]+", text)
    if not runs or sum(len(run) == 1 for run in runs) >= 0.7 * len(runs):
        return western or "cp1252"
    possible = [codec for codec in _SUGGEST if _decodes(facts, codec)]
    return max(possible, key=lambda codec: _plausible(_sample(facts, codec)), default="latin-1")


def _plausible(text: str) -> float:
    """How much decoded text looks like a language: letters of one script, common ones first."""
    high = [c for c in text if ord(c) > 0x7F]
    if not high:
        return 0.0
    kana = sum("\u3040" <= c <= "\u30ff" for c in high)
    hangul = sum("\uac00" <= c <= "\ud7a3" for c in high)
    cyrillic = sum("\u0430" <= c <= "\u044f" for c in high)
    common = sum(c in _HAN for c in high) * 2
    return max(kana * 2, hangul, cyrillic, common) / len(high)
