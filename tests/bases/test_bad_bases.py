"""A base that cannot be used is refused in one readable message, and nothing of it is run."""

from __future__ import annotations

import contextlib
import json
import pickle
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import toys
from graftwork.bases import _catalog, open_base
from graftwork.errors import BaseModelError, GraftworkError, IntegrityError, UnsupportedError


@pytest.fixture
def folder(checkpoints: Any, tmp_path: Path) -> Path:
    """A sound tiny BERT, to spoil."""
    return Path(shutil.copytree(checkpoints("bert"), tmp_path / "base"))


def edit(path: Path, **changes: Any) -> None:
    told = json.loads(path.read_text("utf-8"))
    for key, value in changes.items():
        if value is None:
            told.pop(key, None)
        else:
            told[key] = value
    path.write_text(json.dumps(told), "utf-8")


def tensors(folder: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    held = load_file(folder / "model.safetensors")
    change(held)
    save_file(held, folder / "model.safetensors", {"format": "pt"})


def refused(folder: Path | str, *words: str, **options: Any) -> str:
    with pytest.raises(BaseModelError) as caught:
        open_base(str(folder), placement=toys.placement(), **options)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert "Traceback" not in message
    return message


def test_a_folder_that_happens_to_be_called_as_a_known_base_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lexical").mkdir()  # a run, say: `fit --out lexical`
    monkeypatch.chdir(tmp_path)
    assert open_base("lexical").kind == "lexical"


def test_sound_one_opens(folder):
    assert open_base(str(folder), placement=toys.placement()).dim == toys.HIDDEN


def test_no_config(folder):
    (folder / "config.json").unlink()
    refused(folder, str(folder), "config.json")


def test_all_faults_at_once(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "config.json", "model.safetensors", "tokenizer")


@pytest.mark.parametrize("text", ["{not json", "[1, 2]", "", "\x00\x01"])
def test_config_that_is_no_json_object(folder, text):
    (folder / "config.json").write_text(text, "utf-8")
    refused(folder, "config.json")


def test_no_model_type(folder):
    edit(folder / "config.json", model_type=None)
    refused(folder, "model_type")


def test_unknown_model_type(folder):
    edit(folder / "config.json", model_type="bertt")
    refused(folder, str(folder), "bertt")


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_of_a_checkpoint_is_never_run(folder, tmp_path, file):
    marker = tmp_path / "it-ran"
    code = f"open({str(marker)!r}, 'w').close()\nclass Mine: pass\n"
    (folder / "mine.py").write_text(code, "utf-8")
    names = {"AutoConfig": "mine.Mine", "AutoModel": "mine.Mine"}
    if file == "config.json":
        edit(folder / file, auto_map=names)
        refused(folder, "auto_map", "never run")
    else:
        edit(folder / file, auto_map={"AutoTokenizer": [None, "mine.Mine"]}, tokenizer_class="Mine")
        with contextlib.suppress(BaseModelError):  # used without its code, or refused
            open_base(str(folder), placement=toys.placement())
    assert not marker.exists()


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.marker), "w")


def test_a_pickle_named_safetensors(folder, tmp_path):
    marker = tmp_path / "it-ran"
    (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb(marker)))
    refused(folder, "model.safetensors")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt"])
def test_pickles_only(folder, tmp_path, name):
    marker = tmp_path / "it-ran"
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Bomb(marker)))
    refused(folder, "model.safetensors", name, "no fit reads")
    assert not marker.exists()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_truncated_weights(folder, share):
    weights = folder / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: int(len(content) * share)])
    refused(folder, "model.safetensors")


def test_a_header_that_claims_terabytes(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(struct.pack("<Q", 2**50) + weights.read_bytes()[8:])
    refused(folder, "model.safetensors")


def test_missing_tensors(folder):
    tensors(folder, lambda held: held.pop("encoder.layer.1.attention.self.query.weight"))
    refused(folder, "encoder.layer.1.attention.self.query.weight", "missing")


def test_a_missing_pooler_is_no_fault_and_changes_nothing(folder, bert):
    def drop(held: dict[str, np.ndarray]) -> None:
        for key in [key for key in held if key.startswith("pooler")]:
            del held[key]

    tensors(folder, drop)
    one, two = (open_base(str(folder), placement=toys.placement()) for _ in range(2))
    assert one.fingerprint() == two.fingerprint() == bert.fingerprint()
    for a, b in zip(one.network.parameters(), two.network.parameters(), strict=True):
        assert a.equal(b)


def test_shapes_that_do_not_fit(folder):
    edit(folder / "config.json", intermediate_size=40)
    refused(folder, str(folder), "shape")


def test_more_layers_than_weights(folder):
    edit(folder / "config.json", num_hidden_layers=4)
    refused(folder, "encoder.layer.2", "missing")


def test_a_tokenizer_of_another_model(folder):
    words = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    words["model"]["vocab"]["zebra"] = 9_999
    (folder / "tokenizer.json").write_text(json.dumps(words), "utf-8")
    base = open_base(str(folder), placement=toys.placement())
    base.prepare(["refund"])
    with pytest.raises(BaseModelError, match="9999"):
        base.prepare(["refund", "zebra"])


def test_no_tokenizer(folder):
    (folder / "tokenizer.json").unlink()
    refused(folder, str(folder), "tokenizer.json")


def test_a_damaged_tokenizer(folder):
    (folder / "tokenizer.json").write_text('{"version": "1.0", "model": 3}', "utf-8")
    refused(folder, str(folder), "tokenizer")


@pytest.mark.parametrize(
    "index", ["{}", '{"weight_map": []}', '{"weight_map": {"a": "gone.safetensors"}}', "no json"]
)
def test_a_bad_index_of_shards(folder, index):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index, "utf-8")
    message = refused(folder)
    assert "index.json" in message or "gone.safetensors" in message


def test_shards(folder, bert):
    held = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(held)
    places = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(names)}
    for file in set(places.values()):
        mine = {name: held[name] for name in names if places[name] == file}
        save_file(mine, folder / file, {"format": "pt"})
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    opened = open_base(str(folder), placement=toys.placement())
    assert opened.fingerprint() == bert.fingerprint()  # however the file is cut


def test_an_encoder_decoder(tmp_path):
    import transformers

    words = toys.tokenizer(toys.BERT_TOKENS)
    config = transformers.T5Config(
        d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, vocab_size=len(words)
    )
    transformers.AutoModel.from_config(config).save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    with pytest.raises(UnsupportedError, match="encoder-decoder"):
        open_base(str(tmp_path), placement=toys.placement())


def test_a_hub_name_without_network_fails_at_once(no_network, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    begun = time.perf_counter()
    message = refused("somebody/some-bert-nobody-has", "minilm", "lexical", "hub")
    assert time.perf_counter() - begun < 5
    assert "cannot be reached" in message
    assert "Did you mean 'minilm'?" in refused("minilmm")


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("torchvision/squeezenet1_1", "torchvision/squeezenet1_1"),
        ("squeezenet1_1", "squeezenet1_1"),
        ("resnet50", "torchvision/resnet50"),
        ("timm/vit_tiny_patch16_224", "timm/vit_tiny_patch16_224"),
    ],
)
def test_an_architecture_is_no_base_yet(no_network, tmp_path, monkeypatch, name, architecture):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    way = f"`graftwork convert WEIGHTS --architecture {architecture} --out FOLDER`"
    message = refused(name, "without weights", way, "`graftwork list bases`", "lexical")
    assert "Did you mean" not in message
    assert "convert" not in refused("somebody/squeezenet1_1")


@pytest.mark.parametrize("name", ["net.pth", "net.pt", "net.th", "net.bin", "net.safetensors"])
def test_bare_weights_are_converted_first(tmp_path, name):
    base = tmp_path / "my weights"
    base.mkdir()
    (base / name).write_bytes(b"x")
    (base / "card.json").write_text("{}", "utf-8")
    refused(base, "no config.json", f"`graftwork convert '{base / name}' --out FOLDER`")
    (base / "vocab.json").write_text("{}", "utf-8")  # of a text network, which none converts
    assert "graftwork convert" not in refused(base, "no config.json")


@pytest.mark.parametrize("name", ["./no/such/folder", "/no/such/folder", "a/b/c", "no such thing"])
def test_unknown_path(no_network, name):
    refused(name, name, "minilm", "lexical")


def test_a_file_is_no_base(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"x")
    refused(path, str(path), "is a file")


def test_embedded_base_with_other_bytes(folder, monkeypatch):
    digest = "0" * 64
    row = _catalog.CatalogRow(
        "tiny", "a tiny one", "huggingface", "text", "toys", "", sha256={"config.json": digest}
    )
    monkeypatch.setattr(_catalog.CatalogRow, "installed", lambda self: folder)
    monkeypatch.setattr("graftwork.bases._locate.catalog_row", lambda name: row)
    with pytest.raises(IntegrityError, match=r"config\.json.*000000000000"):
        open_base("tiny")


def test_embedded_base_is_what_it_should_be():
    base = open_base("minilm", placement=toys.placement())
    assert base.describe()["parameters"] == 22_713_216
    assert base.max_length == 256
    assert base.describe()["licence"] == "Apache-2.0"


@pytest.mark.parametrize("length", [1, 2, 65, 513])
def test_max_length_outside_what_the_base_reads(folder, length):
    refused(folder, f"max_length {length}", "64", max_length=length)


@pytest.mark.parametrize(("told", "expected"), [(16, 16), (4096, 64), (None, 64), (-1, 64)])
def test_length_that_the_checkpoint_tells(folder, told, expected):
    path = folder / "sentence_bert_config.json"
    path.write_text(json.dumps({"max_seq_length": told}), "utf-8")
    base = open_base(str(folder), placement=toys.placement())
    assert base.max_length == expected
    tokens = base.prepare([" ".join(toys.WORDS * 9)])
    assert np.isfinite(base.encode(tokens, np.array([0]), "pooled")).all()


def test_a_saved_table_that_is_damaged(tmp_path):
    (tmp_path / "config.json").write_text('{"kind": "lexical"}', "utf-8")
    with pytest.raises(IntegrityError, match=r"vocabulary\.json"):
        open_base(str(tmp_path))
    (tmp_path / "config.json").write_text('{"kind": "lexicl"}', "utf-8")
    with pytest.raises(GraftworkError, match="did you mean 'lexical'"):
        open_base(str(tmp_path))


@pytest.mark.parametrize(
    "name", ["../outside/w.bin", "../w.safetensors", "/w.safetensors", "w.bin", "a\\w.safetensors"]
)
def test_an_index_that_leads_elsewhere(folder, name):
    (folder / "model.safetensors").rename(folder / "part.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "part.safetensors", "y": name}}), "utf-8")
    refused(folder, repr(name), index.name)


def test_shards_of_the_folder_open(folder):
    names = list(load_file(folder / "model.safetensors"))
    (folder / "model.safetensors").rename(folder / "part.safetensors")
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, "part.safetensors")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    assert open_base(str(folder), placement=toys.placement()).dim == toys.HIDDEN


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("quantization_config", {"quant_method": "bitsandbytes", "load_in_4bit": True}),
        ("transformers_weights", "weights.bin"),
    ],
)
def test_a_config_with_weights_of_another_kind(folder, key, value):
    edit(folder / "config.json", **{key: value})
    refused(folder, key)


@pytest.mark.parametrize("key", ["_attn_implementation", "attn_implementation"])
@pytest.mark.parametrize("asked", ["flash_attention_2", "kernels-community/flash-mla", "nonsense"])
def test_attention_that_a_config_asks_for_is_not_fetched(folder, no_network, key, asked):
    sound = open_base(str(folder), placement=toys.placement())
    edit(folder / "config.json", **{key: asked})
    base = open_base(str(folder), placement=toys.placement())
    for one, other in ((base, sound), (base.twin(1), sound.twin(1))):
        assert one.network.config._attn_implementation == "sdpa"
        found, expected = (
            each.encode(each.prepare(["my parcel"]), np.array([0]), "pooled")
            for each in (one, other)
        )
        assert np.array_equal(found, expected)
