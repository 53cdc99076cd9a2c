"""What `import graftwork` offers: exactly the names in `__all__`, each where it belongs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import graftwork


def test_the_names_are_these():
    assert graftwork.__all__ == [
        "Dataset", "GraftworkError", "Machine", "Model", "Recipe", "Run", "TransferClassifier",
        "TransferEncoder", "__version__", "audit", "bundle", "cache", "compare", "convert", "demo",
        "embed", "evaluate", "explain", "fit", "info", "list_things", "load", "plan", "predict",
        "promote", "select",
    ]  # fmt: skip


@pytest.mark.parametrize("name", graftwork.__all__)
def test_every_name_is_there_and_explained(name):
    thing = getattr(graftwork, name)
    assert name in dir(graftwork)
    if name != "__version__":
        assert thing.__name__ == name
        assert inspect.getdoc(thing)


def test_the_functions_are_those_of_the_api():
    api = importlib.import_module("graftwork.api")
    for name in graftwork.__all__:
        thing = getattr(graftwork, name)
        if inspect.isfunction(thing):
            assert getattr(api, name) is thing


def test_a_function_stays_one_whatever_module_was_imported_before():
    # Importing a submodule binds its name in the package: `api/fit.py` would hide `api.fit`.
    script = (
        "import importlib, pkgutil, graftwork.api as api\n"
        "for info in pkgutil.iter_modules(api.__path__, 'graftwork.api.'):\n"
        "    importlib.import_module(info.name)\n"
        "hidden = [name for name in api.__all__ if not callable(getattr(api, name))]\n"
        "assert not hidden, hidden"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        graftwork.fitt  # noqa: B018


def test_every_module_says_what_it_exports():
    for info in pkgutil.walk_packages(graftwork.__path__, "graftwork."):
        if info.name == "graftwork.__main__":
            continue
        module = importlib.import_module(info.name)
        exported = getattr(module, "__all__", None)
        if exported is None:
            assert info.ispkg, f"{info.name} has no __all__"
            continue
        missing = [name for name in exported if not hasattr(module, name)]
        assert not missing, f"{info.name} lacks {missing}"
        assert len(set(exported)) == len(exported)
