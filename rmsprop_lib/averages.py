"""The averages that RMSprop keeps, from one form into another.

RMSprop's accumulators stand for the moving averages of squares, A, and of gradients, M, both from zero. Which of them
are kept, and how, depends on its options: the average of squares or, centered, the variance A − M² with the mean M;
with bias correction both divided by the sum of their weights w = 1 − ρᵗ. Frameworks keep A and M themselves. An option
that is switched in the middle of a run, and a framework's run that is taken over, go through these two functions.

The arguments may be floats, NumPy arrays or Torch tensors.
"""

from typing import Any

from rmsprop_lib.rules import Number, maximum


def kept(square: Number, mean: Number | None, weights: Number, *, centered: bool) -> tuple[Any, ...]:
    """What RMSprop keeps, from the averages of squares and of gradients.

    Parameters
    ----------
    square : number, array or tensor
        A ≥ 0.
    mean : number, array or tensor, or None
        M, of the same shape; only needed if centered.
    weights : number in (0, 1]
        The sum of the weights that both are divided by; 1 without bias correction.
    centered : bool

    Returns
    -------
    tuple
        The average of squares; or, centered, the variance, 0 where rounding made it negative, and the mean.

    Raises
    ------
    ValueError
        If the mean is needed and missing.

    >>> kept(10.0, 3.0, 1.0, centered=True)
    (1.0, 3.0)
    """
    if not centered:
        return (square / weights,)
    if mean is None:
        raise ValueError("mean=None is not allowed with centered=True; it must be the average of gradients")
    mean = mean / weights
    return maximum(0.0, square / weights - mean * mean), mean


def averages(accumulators: tuple[Any, ...], weights: Number, *, centered: bool) -> tuple[Any, Any]:
    """The averages of squares and of gradients, from what RMSprop keeps: the inverse of :func:`kept`.

    Parameters
    ----------
    accumulators : tuple
        As :func:`kept` returns them.
    weights : number in (0, 1]
    centered : bool

    Returns
    -------
    tuple
        A, and M or None where RMSprop does not keep it.

    >>> averages((1.0, 3.0), 1.0, centered=True)
    (10.0, 3.0)
    """
    if not centered:
        return accumulators[0] * weights, None
    variance, mean = accumulators
    return (variance + mean * mean) * weights, mean * weights
