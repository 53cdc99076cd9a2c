"""Flags of the form NAME=VALUE, all faults told at once."""

from __future__ import annotations

from collections.abc import Sequence

from graftwork.errors import Fault, ParameterError

__all__ = ["named_numbers", "named_texts"]


def named_texts(flag: str, given: Sequence[str]) -> dict[str, str]:
    """`NAME=VALUE` each; the last ``=`` divides, as names may hold one.

    Raises:
        ParameterError: words without ``=``, or with nothing before it.
    """
    found, faults = {}, []
    for word in given:
        name, sign, value = word.rpartition("=")
        if sign and name:
            found[name] = value
        else:
            faults.append(Fault(f"{word!r}; allowed is NAME=VALUE", field=flag))
    if faults:
        raise ParameterError(faults=faults)
    return found


def named_numbers(flag: str, given: Sequence[str]) -> dict[str, float]:
    """`NAME=NUMBER` each, none below 0.

    Raises:
        ParameterError: values that are no such numbers.
    """
    found, faults = {}, []
    for name, value in named_texts(flag, given).items():
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if number >= 0:
            found[name] = number
        else:
            faults.append(Fault(f"{name}={value}; allowed are numbers from 0 on", field=flag))
    if faults:
        raise ParameterError(faults=faults)
    return found
