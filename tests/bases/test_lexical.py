"""The lexical backbone: exact per fold, Chinese by characters, saved and loaded equal."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from graftwork.bases._lexical_tokens import tokenise
from graftwork.bases.backbone import Backbone, Capability, Prepared, Shape
from graftwork.bases.lexical import Lexical
from graftwork.errors import DataError, IntegrityError, ParameterError, UnsupportedError

WORDS = [
    "card",
    "refund",
    "late",
    "where",
    "is",
    "my",
    "the",
    "payment",
    "failed",
    "app",
    "don't",
    "🎉",
    "退款",
    "很慢",
    "?",
    "naïve",
]


def texts(n, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(0, 9))) for _ in range(n)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Where's my CARD, please?", ["where's", "my", "card", "please", "?"]),
        ("don’t", ["don't"]),
        ("退款很慢 app闪退", ["退", "款", "很", "慢", "app", "闪", "退"]),
        ("カードの支払い", list("カードの支払い")),
        ("카드 결제", ["카", "드", "결", "제"]),
        ("great 🎉👍🏽 job ❤️", ["great", "🎉", "👍", "job", "❤"]),
        ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
        ("\uff21\uff22\uff23\uff11\uff12\uff13 \ufb01ne", ["abc123", "fine"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("naïve café", ["naïve", "café"]),
        ("I'm here — ok…", ["i'm", "here", "ok"]),
        (" \t\n", []),
        ("a_b-c", ["a", "b", "c"]),
    ],
)
def test_tokens(text, tokens):
    assert tokenise(text) == tokens


def test_face():
    backbone = Lexical()
    assert isinstance(backbone, Backbone)
    assert isinstance(backbone.prepare(["a b"]), Prepared)
    assert backbone.supports(Capability.FIT)
    assert not backbone.supports(Capability.TRAIN)
    assert backbone.prepare(["a b", "", "退款"]).lengths.tolist() == [2, 0, 2]


@pytest.mark.parametrize(
    "options", [{}, {"min_df": 2}, {"max_features": 25}, {"chars": None}, {"pairs": False}]
)
def test_fit_on_rows_is_a_fit_on_those_rows_alone(options):
    backbone, everything = Lexical(**options), texts(300)
    rows = np.random.default_rng(1).choice(300, 180, replace=False)
    shared = backbone.prepare(everything)
    fold = backbone.fit(shared, rows)
    alone_prepared = backbone.prepare([everything[i] for i in rows])
    alone = backbone.fit(alone_prepared)
    assert fold.fingerprint() == alone.fingerprint()
    assert backbone.fit(shared).fingerprint() != fold.fingerprint()
    ours = fold.encode(shared, rows, Shape.SPARSE)
    theirs = alone.encode(alone_prepared, np.arange(180), Shape.SPARSE)
    for part in ("data", "indices", "indptr"):
        assert np.array_equal(getattr(ours, part), getattr(theirs, part))
    held = np.setdiff1d(np.arange(300), rows)
    other = alone.prepare([everything[i] for i in held])
    apart = alone.encode(other, np.arange(len(held)), Shape.SPARSE)
    assert np.array_equal(fold.encode(shared, held, Shape.SPARSE).toarray(), apart.toarray())


def test_weights_are_those_of_sklearn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    everything = [t for t in texts(200) if t]
    backbone = Lexical(chars=None)
    prepared = backbone.prepare(everything)
    ours = backbone.fit(prepared).encode(prepared, np.arange(len(everything)), Shape.SPARSE)
    peer = TfidfVectorizer(
        tokenizer=tokenise,
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        sublinear_tf=True,
    )
    theirs = peer.fit_transform(everything)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose((ours @ ours.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-6)


def test_rows_have_length_one_or_nothing_is_known():
    backbone = Lexical()
    prepared = backbone.prepare([*texts(50), "", "退款很慢"])
    fitted = backbone.fit(prepared)
    found = fitted.encode(prepared, np.arange(52), Shape.SPARSE)
    norms = np.sqrt(found.multiply(found).sum(axis=1))
    assert norms[-1] == pytest.approx(1)
    assert norms[-2] == 0
    new = fitted.prepare(["zzz qqq", "refund"])
    counts = np.diff(fitted.encode(new, np.arange(2), Shape.SPARSE).indptr)
    assert counts[0] == 0
    assert counts[1] > 1
    assert found.dtype == np.float32
    assert found.has_sorted_indices


def test_chinese_shares_characters_and_pairs():
    backbone = Lexical()
    prepared = backbone.prepare(["我要退款", "怎么退款", "天气很好"])
    fitted = backbone.fit(prepared)
    found = fitted.encode(prepared, np.arange(3), Shape.SPARSE)
    similar = (found @ found.T).toarray()
    assert similar[0, 1] > 0.2
    assert similar[0, 2] == 0
    assert "退 款" in fitted.pair_names
    assert not fitted.grams


def test_emoji_are_words():
    fitted = Lexical().fit(Lexical().prepare(["good 🎉", "bad 😡"]))
    assert {"🎉", "😡"} <= set(fitted.words)


def test_min_df_by_number_of_rows():
    backbone = Lexical()
    many = backbone.prepare([*["card refund"] * 999, "once"])
    assert "once" not in backbone.fit(many).words
    assert "once" in backbone.fit(many, np.arange(500, 1000)).words


def test_saved_and_loaded_equal(tmp_path):
    backbone = Lexical(chars=(2, 4))
    prepared = backbone.prepare(texts(100))
    fitted = backbone.fit(prepared)
    fitted.save(tmp_path)
    loaded = Lexical.load(tmp_path)
    assert loaded.fingerprint() == fitted.fingerprint()
    assert loaded.describe() == fitted.describe()
    new = texts(30, seed=5)
    one, two = (
        b.encode(b.prepare(new), np.arange(30), Shape.SPARSE).toarray() for b in (fitted, loaded)
    )
    assert np.array_equal(one, two)
    assert {p.name for p in tmp_path.iterdir()} == {
        "config.json",
        "vocabulary.json",
        "idf.safetensors",
    }


@pytest.mark.parametrize("name", ["config.json", "vocabulary.json", "idf.safetensors"])
def test_damaged_files_are_refused(tmp_path, name):
    backbone = Lexical()
    backbone.fit(backbone.prepare(texts(50))).save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:20])
    with pytest.raises(IntegrityError, match=name):
        Lexical.load(tmp_path)


def test_vocabulary_of_another_size_is_refused(tmp_path):
    backbone = Lexical()
    backbone.fit(backbone.prepare(texts(50))).save(tmp_path)
    (tmp_path / "vocabulary.json").write_text('{"words": ["a"], "pairs": [], "chars": []}')
    with pytest.raises(IntegrityError, match="shape"):
        Lexical.load(tmp_path)


def test_refusals(tmp_path):
    with pytest.raises(ParameterError) as caught:
        Lexical(chars=(5, 3), min_df=0, max_features=0)
    assert len(caught.value.faults) == 3
    backbone = Lexical()
    with pytest.raises(DataError) as wrong:
        backbone.prepare(["a", b"b", 3])
    assert [fault.row for fault in wrong.value.faults] == [2, 3]
    prepared = backbone.prepare(["a b", "c"])
    with pytest.raises(UnsupportedError, match="fitted"):
        backbone.encode(prepared, np.arange(2), Shape.SPARSE)
    with pytest.raises(UnsupportedError, match="fitted"):
        backbone.save(tmp_path)
    with pytest.raises(UnsupportedError, match="pooled"):
        backbone.fit(prepared).encode(prepared, np.arange(2), Shape.POOLED)
    with pytest.raises(DataError, match="no word"):
        backbone.fit(backbone.prepare(["", "..."]))
    with pytest.raises(ParameterError, match="prepared"):
        Lexical(chars=None).fit(prepared)


def test_prediction_imports_no_sklearn(tmp_path):
    backbone = Lexical()
    backbone.fit(backbone.prepare(texts(50))).save(tmp_path)
    code = (
        "import sys, numpy as np, pathlib\n"
        "from graftwork.bases.lexical import Lexical\n"
        "b = Lexical.load(pathlib.Path(sys.argv[1]))\n"
        "b.encode(b.prepare(['card']), np.arange(1), 'sparse')\n"
        "print('sklearn' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
