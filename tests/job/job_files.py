"""What the whole-job tests share: made data, a tiny base, commands in other processes."""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import graftwork

PICTURES_PER_CLASS = 14
REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = Path(graftwork.__file__).parents[1]
WORDS = {
    "refund": ["money", "back", "refund", "charged", "twice", "invoice", "return", "paid", "bill"],
    "login": ["password", "login", "account", "locked", "sign", "reset", "code", "forgot"],
    "delivery": ["parcel", "late", "courier", "delivery", "tracking", "shipped", "lost", "box"],
}
FILLER = """please my the i have a problem with it since monday hello thanks can you help""".split()  # noqa: SIM905


def make_rows(n: int, seed: int = 0) -> list[dict[str, str]]:
    """Different messages of three intents, some hard to tell, with two columns to slice by."""
    draw = random.Random(seed)
    rows, seen = [], set()
    labels = list(WORDS)
    while len(rows) < n:
        label = labels[len(rows) % len(labels)]
        own = draw.sample(WORDS[label], draw.randint(1, 3))
        other = draw.sample(WORDS[draw.choice(labels)], draw.randint(0, 2))
        words = own + other + draw.sample(FILLER, draw.randint(3, 8))
        draw.shuffle(words)
        text = " ".join(words)
        if text not in seen:
            seen.add(text)
            rows.append(
                {
                    "text": text,
                    "label": label,
                    "channel": draw.choice(["mail", "chat"]),
                    "customer": f"c{len(rows) // 3}",
                    "day": f"2026-{1 + len(rows) // 28 % 12:02d}-{1 + len(rows) % 28:02d}",
                }
            )
    return rows


def write_csv(path: Path, rows: Sequence[dict[str, Any]], delimiter: str = ",") -> Path:
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def make_bert(folder: Path, *, hidden: int = 32, layers: int = 2, seed: int = 0) -> Path:
    """A BERT of a few thousand parameters with a WordPiece vocabulary, as a directory."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = sorted({word for group in WORDS.values() for word in group} | set(FILLER))
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *words]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    core = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    )
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        intermediate_size=2 * hidden,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = BertModel(config)
    folder.mkdir(parents=True, exist_ok=True)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class Told:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float = 0.0

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """This process's environment for a command in another one."""
    return {**os.environ, "PYTHONPATH": str(SOURCE), **more}


def command(*words: object) -> list[str]:
    """`graftwork …` by this interpreter, as an argument list."""
    return [sys.executable, "-m", "graftwork", *map(str, words)]


def in_process(*words: object, timeout: float = 120, **more: Any) -> Told:
    """`graftwork …` in another process, to its end."""
    env = more.pop("env", None) or environment()
    done = subprocess.run(
        command(*words), capture_output=True, text=True, timeout=timeout, env=env, **more
    )
    return Told(done.returncode, done.stdout, done.stderr)


def heads_of(run: Path) -> dict[str, bytes]:
    """The bytes of everything that a fit computes for the model, by file."""
    places = [*run.glob("model/heads/**/*"), *run.glob("model/artifacts/**/*")]
    places += [run / "model" / "graph.json", *run.glob("model/backbones/lexical/*")]
    files = [path for path in places if path.is_file()]
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


def stored_keys(cache: Path) -> list[bytes]:
    """Keys of all stored features, as often as they are stored."""
    from graftwork.features.segments import open_segment

    paths = sorted(cache.glob("features/*/seg-*.safetensors"))
    return [path.parent.name.encode() + key for path in paths for key in open_segment(path).keys]


class Forker:
    """Commands in processes of their own without paying for imports each time (`forker.py`)."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        self.count = 0
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "forker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(**variables),
        )
        assert self._read() == {"ready": True}

    def __call__(self, *words: object, **asked: Any) -> Told:
        """Run `graftwork words…` to its end; `asked` as `forker.py` says. Adds `seconds`."""
        log = self._log()
        answer = self._ask({"words": list(map(str, words)), "log": log, **asked})
        return Told(answer["code"], *self.texts(log), seconds=answer["seconds"])

    def start(self, *words: object, **asked: Any) -> tuple[int, str]:
        """Begin a command; its pid and the name of its log."""
        log = self._log()
        answer = self._ask({"words": list(map(str, words)), "log": log, "wait": False, **asked})
        return int(answer["pid"]), log

    def reap(self, pid: int, log: str) -> Told:
        """Wait for a command that was begun."""
        answer = self._ask({"reap": pid})
        return Told(answer["code"], *self.texts(log), seconds=answer["seconds"])

    def close(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def texts(self, log: str) -> tuple[str, str]:
        """What a command has written so far: stdout, stderr."""
        files = (Path(f"{log}.{name}") for name in ("out", "err"))
        out, err = (file.read_text("utf-8") if file.exists() else "" for file in files)
        return out, err

    def _log(self) -> str:
        self.count += 1
        return str(self.folder / f"log-{self.count}")

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer
