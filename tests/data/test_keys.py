"""Row keys in files: packed bytes, and hex digits again."""

from __future__ import annotations

import numpy as np
import pytest

from graftwork.data.keys import packed_keys, row_keys, unpacked_keys


def test_packed_keys_come_back_in_their_order():
    keys = row_keys([["late parcel", "", "late  parcel", "naïve \ud800"]])
    table = packed_keys(keys)
    assert table.shape == (4, 16)
    assert table.dtype == np.uint8
    assert [row.tobytes() for row in table] == [bytes.fromhex(key) for key in keys]
    assert unpacked_keys(table) == keys
    assert keys[0] == keys[2] != keys[1]


def test_no_keys_are_an_empty_table():
    assert packed_keys([]).shape == (0, 16)
    assert unpacked_keys(packed_keys([])) == []


@pytest.mark.parametrize("wrong", ["xyz", "ab" * 15])
def test_what_is_no_key_is_refused(wrong):
    with pytest.raises(ValueError, match=r"hex|reshape"):
        packed_keys([wrong])
