"""A row of the table as the arguments of one of our optimizers, and the other way round."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rmsprop_lib.conventions.table import TABLE, Convention, convention

# What decides which form a state has.
_STRUCTURE = ("rho", "gamma", "centered", "rate_inside", "bias_correction", "amsgrad")


def row_of(rule: str, framework: str, optimizer: str | None = None) -> Convention:
    """The row of a framework's optimizer that follows a rule, with its defaults.

    Parameters
    ----------
    rule : str
        ``"sgd"``, ``"adagrad"``, ``"rmsprop"`` or ``"adam"``; the table has no row for any other.
    framework : str
        As in :data:`rmsprop_lib.conventions.TABLE`.
    optimizer : str, optional
        Its name there; where the framework has several that follow the rule, the first by default.

    Returns
    -------
    Convention

    Raises
    ------
    ValueError
        If there is no such row; the message says what there is.
    """
    if optimizer is None:
        rows = [row for row in TABLE if row.framework == framework and row.rule == rule]
        if not rows:
            known = ", ".join(dict.fromkeys(row.framework for row in TABLE if row.rule == rule))
            raise ValueError(f"framework={framework!r} is not in the table for {rule}; it has: {known or 'none'}")
        return rows[0]
    row = convention(framework, optimizer)
    if row.rule != rule:
        raise ValueError(f"optimizer={optimizer!r} of {framework} follows the rule {row.rule}, not {rule}")
    return row


def row_like(rule: str, framework: str, optimizer: str | None, arguments: Mapping[str, Any]) -> Convention:
    """The same, with the arguments of the framework's own constructor, under the names that they have there.

    Raises
    ------
    ValueError
        If there is no such row, no such argument, or no learning rate; the message says what there is.
    """
    row = row_of(rule, framework, optimizer).given(**arguments)
    if row.eta is None:
        name = next((name for name, attribute in row.names.items() if attribute == "eta"), "")
        what = f"{name} must be given" if name else "and no argument for one in the table"
        raise ValueError(f"{framework}'s {row.optimizer} has no learning rate by default; {what}")
    return row


def options_like(row: Convention, names: Mapping[str, str]) -> dict[str, Any]:
    """The arguments with which one of our optimizers does what a row says.

    Parameters
    ----------
    row : Convention
        With a learning rate.
    names : dict of str to str
        The attributes of a row, and "eps_inside" and "eps_uncorrected" for the place of ε, to our arguments. Both
        decays of Adam may have one name: the argument is then a pair.

    Returns
    -------
    dict of str to bool, float, str or tuple

    Raises
    ------
    ValueError
        If the row has something on that there is no argument for.
    """
    settings = row.settings()
    del settings["rule"]
    at = settings.pop("eps_at")
    settings |= {"eps_inside": at == "inside", "eps_uncorrected": at == "uncorrected"}
    if row.rule == "adam" and row.bias_correction:  # as ours always does
        del settings["bias_correction"]
    # What is coupled is not corrected.
    corrected = settings.pop("corrected_decay") and row.decoupled
    settings["corrected_decay"] = "both" if corrected else "rate"
    found: dict[str, Any] = {}
    for attribute, value in settings.items():
        if attribute in names:
            name = names[attribute]
            found[name] = (found[name], value) if name in found else value
        elif value not in (None, False, 0.0, "rate"):
            raise ValueError(f"{attribute}={value!r} of {row.framework}'s {row.optimizer} has no counterpart here")
    return found


def row_as_running(row: Convention, names: Mapping[str, str], option: Callable[[str], Any]) -> Convention:
    """A framework's row with the settings that decide what one of our optimizers keeps.

    Parameters
    ----------
    row : Convention
    names : dict of str to str
        As in :func:`options_like`.
    option : callable
        The value that our optimizer has for one of its arguments.

    Returns
    -------
    Convention

    Raises
    ------
    ValueError
        If the framework's momentum buffer holds steps and ours directions, or the other way round.
    """
    settings = {attribute: option(names[attribute]) for attribute in _STRUCTURE if attribute in names}
    inside = bool(settings.get("rate_inside", False))
    if settings.get("gamma") and inside != row.rate_inside and "rate_inside" not in row.names.values():
        forms = ("steps", "directions") if row.rate_inside else ("directions", "steps")
        raise ValueError(
            f"the momentum buffer of {row.framework}'s {row.optimizer} holds {forms[0]}, and this one's {forms[1]}: "
            f"make it with like({row.framework!r}, …), or with rate_inside={row.rate_inside}"
        )
    return replace(row, **settings)
