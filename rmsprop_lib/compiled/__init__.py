"""The rules compiled: one pass over memory for whatever arrays or tensors can be stepped so.

From the bottom upward, each importing only what stands before it:

- :mod:`~rmsprop_lib.compiled.kernels`: what any compiler is given: a rule's parts, its arguments, its work in pieces;
  :mod:`~rmsprop_lib.compiled.sorting`: which of many arrays can be stepped at once, and why the others cannot;
  :mod:`~rmsprop_lib.compiled.arithmetic`: the dtype in which a step is computed;
  :mod:`~rmsprop_lib.compiled.half`: half precision in Numba;
- :mod:`~rmsprop_lib.compiled.cpu` (Numba) and :mod:`~rmsprop_lib.compiled.cuda` (Triton): a rule made into a kernel;
- :mod:`~rmsprop_lib.compiled.alike`: what a kernel takes for granted of Torch tensors, and why it cannot step some;
  :mod:`~rmsprop_lib.compiled.known`: tensors that are recognised from step to step, and not kept alive;
- :mod:`~rmsprop_lib.compiled.plan`, :mod:`~rmsprop_lib.compiled.plan_cpu` and
  :mod:`~rmsprop_lib.compiled.plan_cuda`: what stays the same from one step of a list of tensors to the next;
- :mod:`~rmsprop_lib.compiled.arrays`: NumPy arrays stepped at once;
  :mod:`~rmsprop_lib.compiled.tensors`: which Torch tensors can be stepped so, and by whom;
- :mod:`~rmsprop_lib.compiled.one_pass`: a Torch optimizer's groups stepped at once, from step to step.

Nothing here knows which rule it runs or which optimizer asks. Numba and Triton are optional, and loaded when used.
"""
