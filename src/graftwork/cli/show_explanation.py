"""An explanation for people: each word with a signed bar."""

from __future__ import annotations

from typing import Any

__all__ = ["explanation_text"]

_WIDTH = 24  # of the longest bar
_WORD = 28
_NOTHING = 1e-3  # a change of log-odds that nobody need see
_MOST = 40  # parts shown; of more the strongest


def explanation_text(told: dict[str, Any]) -> str:
    """The prediction, then the parts in the order of the text, bars to the right and left.

    Args:
        told: as `api.explain` gives it.
    """
    from rich.cells import cell_len

    parts = told["parts"]
    head = [f"{told['label']}, probability {told['probability']:.3f}"]
    if told["label"] != told["prediction"]:
        head.append(f"(the model predicts {told['prediction']})")
    if not parts:
        return "\n".join([*head, "", "There is one part only: nothing to leave out."])
    order = sorted(range(len(parts)), key=lambda i: -abs(parts[i]["importance"]))
    kept = sorted(order[:_MOST])
    most = max(abs(parts[order[0]]["importance"]), _NOTHING)
    several = len({part["input"] for part in parts}) > 1
    width = max(cell_len(_word(parts[k])) for k in kept)
    lines, last = [], None
    for i in kept:
        if several and parts[i]["input"] != last:
            last = parts[i]["input"]
            lines.append(f"{last}:")
        lines.append(_line(parts[i], most, width))
    notes = [
        "",
        f"+ speaks for {told['label']}, - against: change of its log-odds where the part is left "
        "out.",
    ]
    if len(parts) > _MOST:
        notes.append(f"The {_MOST} strongest of {len(parts):,} are shown; --json has all.")
    if told["parts_left_out_together"] > 1:
        together = told["parts_left_out_together"]
        notes.append(f"The input is long: {together} parts in a row were left out at a time.")
    return "\n".join([*head, "", *lines, *notes])


def _word(part: dict[str, Any]) -> str:
    text = " ".join(str(part["part"]).split())
    return text if len(text) <= _WORD else text[: _WORD - 1] + "…"


def _line(part: dict[str, Any], most: float, width: int) -> str:
    from rich.cells import set_cell_size  # East Asian characters take two columns

    value = part["importance"]
    length = round(_WIDTH / 2 * abs(value) / most)
    bar = ("-" * length).rjust(_WIDTH // 2) if value < 0 else " " * (_WIDTH // 2)
    bar += "|" + ("+" * length if value > 0 else "").ljust(_WIDTH // 2)
    return f"  {set_cell_size(_word(part), width)}  {bar}  {value:+.2f}"
