"""How a rate and what hangs on it fall, as plain arithmetic; what is not here, torch.optim.lr_scheduler has."""

from numbers import Real

from rmsprop_lib.rules import Number


def inverse_time_decay(learning_rate: Number, t: Number, decay: Number) -> Number:
    r"""The rate of a step, :math:`\eta_t = \eta / (1 + (t - 1)\,\delta)`: half of the first after 1/δ steps.

    Parameters
    ----------
    learning_rate : float, array or tensor
        η, the rate of the first step.
    t : float, array or tensor
        The step, counted from 1.
    decay : float
        δ ≥ 0.

    Returns
    -------
    float, array or tensor
        Of the shape to which they broadcast. Source: ``lr_decay`` of torch.optim.Adagrad.

    Examples
    --------
    >>> inverse_time_decay(3.0, 5, 0.5)
    1.0
    """
    return learning_rate / (1 + (t - 1) * decay)


WEIGHT_DECAY_BY = ("rate", "schedule", "both")
"""What a decoupled weight decay can be multiplied by, which is η, η over its peak, or η times that."""


def decay_by(weight_decay: Number, by: str, rate: Number, peak: Number) -> Number:
    """The weight decay that, multiplied by the rate, is what a parameter shrinks by.

    Parameters
    ----------
    weight_decay : float or tensor
    by : {"rate", "schedule", "both"}
        One of :data:`WEIGHT_DECAY_BY`.
    rate, peak : float
        The rate now, and the one that it was given first, above 0; only needed if ``by`` is not "rate".

    Returns
    -------
    float or tensor

    Examples
    --------
    >>> [decay_by(0.5, by, rate=0.25, peak=0.5) for by in WEIGHT_DECAY_BY]
    [0.5, 1.0, 0.25]
    """
    if by == "rate":
        return weight_decay
    return weight_decay / peak * (rate if by == "both" else 1)


def check_decay_by(by: str, decoupled: bool, **rate: Number) -> None:
    """Refuse what a decoupled weight decay cannot be multiplied by.

    Parameters
    ----------
    by : str
    decoupled : bool
    **rate : float
        The rate at the beginning, under the name that it has with the caller.

    Raises
    ------
    ValueError
        If ``by`` is unknown; or if it is not "rate" and the decay is coupled, or the rate no number above 0.
    """
    if by not in WEIGHT_DECAY_BY:
        raise ValueError(f"weight_decay_by={by!r} is not allowed; it must be one of {WEIGHT_DECAY_BY}")
    if by == "rate":
        return
    if not decoupled:
        raise ValueError(f"weight_decay_by={by!r} needs decoupled_weight_decay=True: what is coupled follows the rate")
    for name, value in rate.items():
        if not isinstance(value, Real) or value == 0:
            raise ValueError(f"weight_decay_by={by!r} needs the peak of the rate, a number above 0; {name}={value!r}")
