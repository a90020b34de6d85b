"""SGD, AdaGrad, RMSprop, Adam and the family of chapter 20 as ``torch.optim.Optimizer`` subclasses over the rules.

Constructor arguments, defaults, errors and state keys are those of the torch.optim class of the same name (there
spelt ``Adagrad``), and so are the results, to rounding. What is different, is so deliberately:

- With ``centered=True`` :class:`RMSprop` keeps the moving variance itself, which cannot become negative, under the
  key ``variance`` instead of ``square_avg``. ``load_state_dict`` takes either,
  :meth:`~RMSprop.to_torch_state_dict` gives torch.optim's.
- For parameters narrower than float32 the accumulators and the arithmetic are in float32, and the new parameter is
  rounded once. ``load_state_dict`` keeps it so.
- A gradient that was always zero moves nothing, however small ``eps`` is; torch.optim divides 0 by 0 where ``eps``
  is 0 or vanishes in the dtype.
- ``lr`` may be a tensor of several rates: one for each slice of a parameter against which it broadcasts. Torch's
  schedulers set one rate for a group and are refused there; assign ``group["lr"]`` before each step instead.
- Numbers have to be finite, and decay rates that torch.optim lets through to give NaN (``alpha`` ≥ 1) are refused.
- Every class takes ``fused=True``, :class:`RMSprop` too: one pass over memory for all ordinary tensors of a group,
  in half, single or double precision, with the rule compiled by Numba on the CPU and by Triton on CUDA, where no step
  waits for the device. What cannot be done so is stepped one by one, and a warning says why. Between steps it keeps no
  gradient, parameter or state alive, and ``torch.compile`` leaves it as it is.

``foreach`` chooses between implementations in torch.optim. Here it changes nothing.

>>> import torch
>>> w = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
>>> optimizer = RMSprop([w], lr=0.1, alpha=0.75, eps=0.0)
>>> (w * w).sum().backward()
>>> optimizer.step()
>>> w.detach()
tensor([ 0.8000, -1.8000], dtype=torch.float64)
"""

from rmsprop_lib.extras import naming_extras

with naming_extras():
    from rmsprop_lib.torch_optim.adagrad import AdaGrad
    from rmsprop_lib.torch_optim.adam import Adam
    from rmsprop_lib.torch_optim.family import AdaBelief, AdaDelta, AdaMax, LaProp, Lion, NAdam, RAdam, Yogi
    from rmsprop_lib.torch_optim.rmsprop import RMSprop
    from rmsprop_lib.torch_optim.sgd import SGD

# From the plain to the compound.
__all__ = [  # noqa: RUF022
    "SGD", "AdaGrad", "RMSprop", "Adam",
    "AdaDelta", "AdaMax", "NAdam", "RAdam", "LaProp", "AdaBelief", "Yogi", "Lion",
]  # fmt: skip
