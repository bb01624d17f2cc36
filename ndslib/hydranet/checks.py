"""Checks of the numbers that make up a network."""

import math
from numbers import Integral, Real

from ndslib.core.errors import InputError


def whole_number(name: str, value: object, least: int = 1) -> None:
    """Refuse what is not a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InputError(f"{name} is {value!r}; it must be a whole number of at least {least}")


def multiplier(name: str, value: object) -> None:
    """Refuse what is not a positive, finite number."""
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < value < math.inf:
        raise InputError(f"{name} is {value!r}; it must be a number above 0")


def branches(n_b: int, classes: int) -> None:
    """Refuse numbers of branches and classes that leave a branch without a class."""
    whole_number("classes", classes)
    whole_number("n_b", n_b)
    if n_b > classes:
        raise InputError(
            f"n_b is {n_b}, but there are only {classes} classes: choose 1 to {classes} branches, each with a class"
        )


def branches_that_run(k: int, n_b: int) -> None:
    """Refuse more chosen branches than there are."""
    whole_number("k", k)
    if k > n_b:
        raise InputError(f"k is {k}, but there are {n_b} branches: choose k from 1 to {n_b}")
