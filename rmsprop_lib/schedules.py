"""How a learning rate falls from step to step, as plain arithmetic; what is not here, torch.optim.lr_scheduler has."""

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
