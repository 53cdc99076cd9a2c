"""Shares of work: everything once, evenly, none empty."""

from __future__ import annotations

import pytest

from graftwork.runtime.spread import even_shares, in_one


@pytest.mark.parametrize("count", [1, 2, 3, 16])
@pytest.mark.parametrize("sizes", [[], [0], [5], [1, 1, 8, 2, 4, 1], [0, 0, 0], list(range(40))])
def test_shares_hold_every_item_once_and_are_even(sizes: list[int], count: int) -> None:
    shares = even_shares(sizes, count)
    assert sorted(place for share in shares for place in share) == list(range(len(sizes)))
    assert len(shares) == min(count, len(sizes))
    assert all(share == sorted(share) and share for share in shares)
    held = [sum(max(sizes[place], 1) for place in share) for share in shares]
    if held:
        assert max(held) - min(held) <= max(*sizes, 1)


def test_in_one_is_one_share_and_nothing_is_no_work() -> None:
    seen: list[list[int]] = []
    in_one(seen.append, [3, 1, 2])
    in_one(seen.append, [])
    assert seen == [[0, 1, 2]]
