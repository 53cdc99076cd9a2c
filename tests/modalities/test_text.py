from __future__ import annotations

import random
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest

from graftwork.errors import UnknownNameError
from graftwork.modalities import MODALITIES
from graftwork.modalities._text_minhash import near_duplicate_groups
from graftwork.modalities._text_shingles import WIDTH, fold, shingle
from graftwork.modalities.modality import Modality
from graftwork.modalities.text import Text
from graftwork.modalities.text_tokens import TokenCounts


def test_registered_and_light() -> None:
    assert MODALITIES.names() == ["image", "text"]
    assert isinstance(MODALITIES.get("text")(), Modality)
    with pytest.raises(UnknownNameError, match="did you mean 'text'"):
        MODALITIES.get("txt")
    program = (
        "import sys; from graftwork.modalities import MODALITIES; MODALITIES.all(); "
        "print([m for m in ('numpy', 'torch', 'pyarrow', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_near_but_not_far() -> None:
    texts = [
        "My card hasn't arrived and I ordered it two weeks ago, please help me",
        "my card hasn't arrived and i ordered it two weeks ago - please help me!",
        "My card hasnt arived and I ordered it two weeks ago, please help me",
        "My card has been stolen and I need a new one as soon as possible",
        "我的银行卡还没有收到。已经等了两个星期了。请帮忙处理",
        "我的银行卡还没有收到,已经等了两个星期了,请帮忙处理一下",
        "我想修改我的登录密码。但是收不到验证码",
        "ok",
        "no",
        "",
        "",
        "!!!",
    ]
    groups = near_duplicate_groups(texts).tolist()
    assert groups == [0, 0, 0, 1, 2, 2, 3, 4, 5, 6, 6, 7]
    assert near_duplicate_groups([]).tolist() == []


def _exact(a: str, b: str) -> float:
    def grams(text: str) -> set[str]:
        folded = fold(text)
        return {folded[i : i + WIDTH] for i in range(max(1, len(folded) - WIDTH + 1))}

    one, two = grams(a), grams(b)
    return len(one & two) / len(one | two)


def test_groups_agree_with_exact_jaccard() -> None:
    draw = random.Random(3)
    words = [f"{a}{b}{c}" for a in "bdfglm" for b in "aeiou" for c in ("ne", "rk", "st", "llo")]
    texts = []
    for _ in range(60):
        text = draw.choices(words, k=15)
        for edits in (0, 1, 2, 3):
            other = list(text)
            for at in draw.sample(range(15), edits):
                other[at] = draw.choice(words)
            texts.append(" ".join(other))
    groups = near_duplicate_groups(texts)
    close = found = 0
    for start in range(0, len(texts), 4):
        for i in range(start, start + 4):
            for j in range(i + 1, start + 4):
                if _exact(texts[i], texts[j]) >= 0.8:
                    close += 1
                    found += bool(groups[i] == groups[j])
    assert close > 40
    assert found >= 0.97 * close
    # nothing is joined that no chain of near pairs joins
    for group in np.unique(groups):
        members = [texts[i] for i in np.flatnonzero(groups == group)]
        for one in members[1:]:
            assert any(_exact(one, other) >= 0.8 for other in members if other != one) or (
                one in members[:1]
            )


def test_shingles_are_sets() -> None:
    sets = shingle(["aaaaaaaaaa", "abcdefg", "ab", ""])
    assert np.diff(sets.starts).tolist() == [1, 3, 1, 1]
    assert all(a <= b for a, b in pairwise(sets.starts))


def test_order_does_not_matter() -> None:
    template = "the {} cat sat on the mat and looked at the moon for {} hours"
    texts = [template.format(word, k) for word in ("old", "odd") for k in range(20)]
    groups = near_duplicate_groups(texts)
    order = np.random.default_rng(0).permutation(len(texts))
    moved = near_duplicate_groups([texts[i] for i in order])
    same = groups[order][:, None] == groups[order][None, :]
    assert ((moved[:, None] == moved[None, :]) == same).all()


def test_speed_of_near_duplicates() -> None:
    draw = random.Random(0)
    words = [f"{a}{b}{c}" for a in "bdfglmnprst" for b in "aeiou" for c in ("n", "rk", "st", "le")]
    texts = [" ".join(draw.choices(words, k=draw.randint(4, 16))) for _ in range(20_000)]
    start = time.perf_counter()
    near_duplicate_groups(texts)
    assert time.perf_counter() - start < 8  # 0.4 s on a free core; 100,000 take about 1.5 s


def test_show_escapes_and_redacts() -> None:
    text = Text()
    assert text.show("<b>&\"'\0") == "&lt;b&gt;&amp;&quot;&#x27;\ufffd"
    assert text.show("x" * 500) == "x" * 400 + "…"
    assert "secret" not in text.show("secret", redact=True)
    assert text.show(None) == ""


@pytest.mark.parametrize("value", [None, "", " \t\n", "\u200b \u200b", "\ufeff", float("nan")])
def test_blank(value: object) -> None:
    assert Text().is_blank(value)
    assert not Text().is_blank("NA")
    assert not Text().is_blank("\u200b x")


def _count(texts: list[str]) -> TokenCounts:
    split = [text.split() for text in texts]
    return TokenCounts(
        np.array([len(tokens) for tokens in split]),
        np.array([sum(token == "?" for token in tokens) for tokens in split]),
        np.array([sum(len(token) == 1 and token != "?" for token in tokens) for tokens in split]),
        max_length=6,
    )


def test_audit_by_tokens() -> None:
    texts = ["short and fine words"] * 20 + ["one two three four five six seven eight"]
    texts += ["你 好 吗 ?", "a"]
    found = {
        finding.kind: finding
        for finding in Text().audit(texts, range(2, 25), field="text", count_tokens=_count)
    }
    assert found["over_long"].rows == (22,)
    assert found["over_long"].data["tokens_cut"] == 2
    assert found["language"].rows == (23,)
    assert found["language"].severity == "info"
    assert Text().audit(texts, range(2, 25), field="text") == []
    (wrong,) = Text().audit([1, "a", None], [1, 2, 3], field="text")
    assert (wrong.kind, wrong.severity, wrong.rows) == ("no_text", "error", (1,))
