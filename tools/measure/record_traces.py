"""Run the frameworks' own optimizers and record where they go: ``python -m tools.measure.record_traces [FILE]``.

Every optimizer gets the same gradients, rates and start, in float64; its parameters after every few steps, its state
in the middle of the run, its options, the versions and the defaults of its constructor go into one file.
rmsprop_lib.conventions reads that file, and tests/library/test_conventions.py and test_like.py reproduce it. The script
needs the frameworks and NumPy, and nothing of this repository: ``make test-interop`` gives it an environment of its own
(interop-requirements.txt beside it), records again, and compares with what is stored (``--compare``).
"""

import argparse
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.update(
    KERAS_BACKEND="jax", JAX_ENABLE_X64="1", JAX_PLATFORMS="cpu", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3"
)

import numpy as np

STORED = Path(__file__).resolve().parents[2] / "rmsprop_lib" / "data" / "framework_traces.json"
PACKAGES = {"PyTorch": "torch", "Keras 3": "keras", "Optax": "optax", "TensorFlow 1": "tensorflow-cpu", "timm": "timm"}
STEPS, EVERY, MIDDLE = 300, 10, 150
# Relative to how far a coordinate has moved. Another machine or version may round differently, and no more.
TOLERANCE = 1e-8

Arguments = dict[str, Any]
# What an optimizer keeps, under the names that its framework has for it.
State = dict[str, np.ndarray]
# One optimizer's run: from its name and arguments to the parameters and the state after every step.
Runner = Callable[[str, Arguments], list[tuple[np.ndarray, State]]]


def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients (STEPS, n), rates (STEPS,) and the start (n,).

    The scales lie on both sides of every framework's ε, inside the root and outside. The gradients have a mean, for
    centering; the last coordinate is zero four times out of five, at the beginning too. The rate falls, for the
    momentum buffers, and rises again.
    """
    rng = np.random.default_rng(12)
    gradients = (0.3 + rng.normal(size=(STEPS, 6))) * np.array([100, 1, 1e-2, 1e-4, 1e-8, 1])
    gradients[:, 5] *= rng.random(STEPS) < 0.2
    gradients[:3, 5] = 0
    rates = np.select([np.arange(STEPS) < 100, np.arange(STEPS) < 200], [0.01, 0.001], 0.003)
    # Four digits: the file stays small, and the numbers in it are the numbers that were used.
    return np.vectorize(lambda x: float(f"{x:.3e}"))(gradients), rates, np.array([1.0, -2.0, 0.5, 3.0, -1.0, 0.25])


GRADIENTS, RATES, START = inputs()

# For each framework its optimizers, each with the arguments of its runs beside the learning rate.
RMSPROP = [{}, {"momentum": 0.9}, {"centered": True}, {"centered": True, "momentum": 0.9}]
MOMENTUM = [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}]
RUNS: dict[str, dict[str, list[Arguments]]] = {
    "PyTorch": {
        "RMSprop": [*RMSPROP, {"momentum": 0.9, "weight_decay": 0.01}],
        "Adam": [{}, {"amsgrad": True}, {"weight_decay": 0.01}],
        "AdamW": [{}],
        "Adagrad": [{}, {"initial_accumulator_value": 0.1}],
        "SGD": [{}, *MOMENTUM, {"momentum": 0.9, "weight_decay": 0.01}],
    },
    "Keras 3": {
        "RMSprop": [*RMSPROP, {"momentum": 0.9, "weight_decay": 0.01}],
        "Adam": [{}, {"amsgrad": True}],
        "AdamW": [{}],
        "Adagrad": [{}],
        "SGD": [{}, *MOMENTUM],
    },
    "Optax": {
        "rmsprop": [
            *RMSPROP,
            {"momentum": 0.9, "nesterov": True},
            {"eps_in_sqrt": False},
            {"momentum": 0.9, "initial_scale": 1.0},
            {"momentum": 0.9, "bias_correction": True},
        ],
        "adam": [{}],
        "adamw": [{}],
        "adagrad": [{}],
        "sgd": [{}, *MOMENTUM],
    },
    "TensorFlow 1": {
        "RMSPropOptimizer": RMSPROP,
        "AdamOptimizer": [{}],
        "AdagradOptimizer": [{}],
        "GradientDescentOptimizer": [{}],
        "MomentumOptimizer": [{"momentum": 0.9}, {"momentum": 0.9, "use_nesterov": True}],
    },
    "timm": {
        "RMSpropTF": [
            *RMSPROP,
            {"momentum": 0.9, "lr_in_momentum": False},
            {"momentum": 0.9, "weight_decay": 0.01},
            {"momentum": 0.9, "weight_decay": 0.01, "decoupled_decay": True},
            {"momentum": 0.9, "weight_decay": 0.01, "decoupled_decay": True, "corrected_weight_decay": True},
            {"momentum": 0.9, "caution": True},
        ],
    },
}


def torch_runner(home: Any) -> Runner:
    """For PyTorch's own optimizers and timm's, which have the same interface."""
    import torch

    def run(name: str, arguments: Arguments) -> list[tuple[np.ndarray, State]]:
        theta = torch.tensor(START, requires_grad=True)
        optimizer = getattr(home, name)([theta], lr=RATES[0], **arguments)
        path = []
        for g, rate in zip(GRADIENTS, RATES, strict=True):
            optimizer.param_groups[0]["lr"] = rate
            theta.grad = torch.tensor(g)
            optimizer.step()
            state = {name: x.numpy().copy() for name, x in optimizer.state[theta].items() if x is not None}
            path.append((theta.detach().numpy().copy(), {k: x for k, x in state.items() if k != "step"}))
        return path

    return run


def keras_runner(home: Any) -> Runner:
    import keras

    keras.config.set_floatx("float64")

    def run(name: str, arguments: Arguments) -> list[tuple[np.ndarray, State]]:
        theta = keras.Variable(START, dtype="float64")
        optimizer = getattr(home, name)(learning_rate=RATES[0], **arguments)
        optimizer.build([theta])
        path = []
        for g, rate in zip(GRADIENTS, RATES, strict=True):
            optimizer.learning_rate = rate
            optimizer.apply([keras.ops.convert_to_tensor(g, dtype="float64")])
            state = {
                x.name.removeprefix(f"{theta.name}_"): np.array(keras.ops.convert_to_numpy(x))
                for x in optimizer.variables[2:]  # after the iteration and the rate
            }
            path.append((np.array(keras.ops.convert_to_numpy(theta)), state))
        return path

    return run


def optax_runner(home: Any) -> Runner:
    import jax.numpy as jnp

    def run(name: str, arguments: Arguments) -> list[tuple[np.ndarray, State]]:
        theta, rates = jnp.asarray(START), jnp.asarray(RATES)
        optimizer = getattr(home, name)(learning_rate=lambda count: rates[count], **arguments)
        state = optimizer.init(theta)
        path = []
        for g in GRADIENTS:
            updates, state = optimizer.update(jnp.asarray(g), state, theta)
            theta = home.apply_updates(theta, updates)
            path.append((np.array(theta), fields_of(state)))
        return path

    return run


def fields_of(state: Any) -> State:
    """The arrays of the parameters' shape in Optax's nested states, by the names of their fields."""
    found: State = {}
    for part in state if isinstance(state, tuple) else ():
        found |= fields_of(part)
    for name, x in getattr(state, "_asdict", dict)().items():
        if np.shape(x) == START.shape:
            found[name] = np.array(x)
    return found


def tensorflow_runner(home: Any) -> Runner:
    import tensorflow as tf

    def run(name: str, arguments: Arguments) -> list[tuple[np.ndarray, State]]:
        # A plain number would become a float32 on its way, 0.9 be 0.89999998, and the defaults with it.
        defaults = {k: v for k, v in defaults_of(getattr(home, name)).items() if isinstance(v, float)}
        floats = {k: v for k, v in (defaults | arguments).items() if k != "learning_rate"}
        exact = {k: tf.constant(v, tf.float64) if isinstance(v, float) else v for k, v in floats.items()}
        if name == "AdagradOptimizer":
            exact["initial_accumulator_value"] = floats["initial_accumulator_value"]  # compared with 0, never cast
        theta = tf.Variable(START, dtype=tf.float64)
        rate = tf.Variable(RATES[0], dtype=tf.float64)
        optimizer = getattr(home, name)(learning_rate=lambda: rate.read_value(), **exact)
        path = []
        for g, now in zip(GRADIENTS, RATES, strict=True):
            rate.assign(now)
            optimizer.apply_gradients([(tf.constant(g, tf.float64), theta)])
            state = {slot: optimizer.get_slot(theta, slot).numpy().copy() for slot in optimizer.get_slot_names()}
            path.append((theta.numpy().copy(), state))
        return path

    return run


def frameworks() -> Iterator[tuple[str, Any, Runner]]:
    """Each framework's name, the module that has its optimizers, and what runs them."""
    import keras
    import optax
    import tensorflow as tf
    import torch

    yield "PyTorch", torch.optim, torch_runner(torch.optim)
    yield "Keras 3", keras.optimizers, keras_runner(keras.optimizers)
    yield "Optax", optax, optax_runner(optax)
    yield "TensorFlow 1", tf.compat.v1.train, tensorflow_runner(tf.compat.v1.train)
    rmsprop_tf = timm_module("rmsprop_tf")
    yield "timm", rmsprop_tf, torch_runner(rmsprop_tf)


def timm_module(name: str) -> ModuleType:
    """One file of timm.optim, without all of timm: that needs a torchvision which was built for the very torch."""
    folder = Path(find_spec("timm").submodule_search_locations[0])  # type: ignore[union-attr, index]
    for package, path in {"timm": folder, "timm.optim": folder / "optim"}.items():
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = [str(path)]
    return import_module(f"timm.optim.{name}")


def defaults_of(optimizer: Any) -> Arguments:
    """The numbers and switches that the constructor has as defaults."""
    return {
        name: list(p.default) if isinstance(p.default, tuple) else p.default
        for name, p in inspect.signature(optimizer).parameters.items()
        if isinstance(p.default, bool | int | float | tuple) and p.default is not p.empty
    }


def record() -> dict[str, Any]:
    """Everything that is stored."""
    defaults: dict[str, dict[str, Arguments]] = {}
    traces = []
    for framework, home, run in frameworks():
        for name, runs in RUNS[framework].items():
            defaults.setdefault(framework, {})[name] = defaults_of(getattr(home, name))
            for arguments in runs:
                thetas, states = zip(*run(name, arguments), strict=True)
                path = np.array(thetas)
                if path.shape != GRADIENTS.shape or path.dtype != np.float64 or not np.isfinite(path).all():
                    raise RuntimeError(f"{framework} {name} {arguments}: {path.dtype} of shape {path.shape}, or NaN")
                kept = path[EVERY - 1 :: EVERY].tolist()
                state = {key: x.tolist() for key, x in states[MIDDLE - 1].items()}
                about = {"framework": framework, "optimizer": name, "arguments": arguments}
                traces.append({**about, "state": state, "theta": kept})
    return {
        "versions": {framework: version(package).split("+")[0] for framework, package in PACKAGES.items()},
        "defaults": defaults,
        "start": START.tolist(),
        "rates": RATES.tolist(),
        "gradients": GRADIENTS.tolist(),
        "every": EVERY,
        "middle": MIDDLE,
        "traces": traces,
    }


def text_of(recording: dict[str, Any]) -> str:
    """JSON with one trace, and one of everything else, on a line."""
    traces = ",\n".join(json.dumps(trace) for trace in recording["traces"])
    rest = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in recording.items() if k != "traces")
    return f'{{\n{rest},\n"traces": [\n{traces}\n]\n}}\n'


def differences(stored: dict[str, Any], recorded: dict[str, Any]) -> list[str]:
    """What is not in both recordings, or differs by more than rounding; versions may differ."""

    def by_run(recording: dict[str, Any]) -> dict[str, dict[str, Any]]:
        return {f"{t['framework']} {t['optimizer']} {t['arguments']}": t for t in recording["traces"]}

    common = ("start", "rates", "gradients", "every", "middle")
    found = [f"{key}: not the same" for key in common if stored[key] != recorded[key]]
    for framework, optimizers in (stored["defaults"] | recorded["defaults"]).items():
        for name in optimizers:
            before, now = (r["defaults"].get(framework, {}).get(name, {}) for r in (stored, recorded))
            found += [
                f"{framework} {name}: {key} was {before[key]} by default and is {now.get(key, 'gone')}"
                for key in before
                if before[key] != now.get(key)
            ]
    old, new = by_run(stored), by_run(recorded)
    found += [f"{run} is in one recording only" for run in old.keys() ^ new.keys()]
    for run in old.keys() & new.keys():
        path, now = np.array(old[run]["theta"]), np.array(new[run]["theta"])
        moved = np.abs(path - stored["start"]).max(axis=0)
        apart = np.max(np.abs(path - now) / np.where(moved > 0, moved, 1))
        if not apart <= TOLERANCE:
            found.append(f"{run} goes elsewhere: by {apart:.1e} of the way")
        state, other = old[run]["state"], new[run]["state"]
        if state.keys() != other.keys():
            found.append(f"{run} keeps {sorted(other)}, and not {sorted(state)}")
        elif not all(np.allclose(other[k], state[k], TOLERANCE, TOLERANCE * np.max(np.abs(state[k]))) for k in state):
            found.append(f"{run} keeps other numbers in the middle")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Record the paths of the frameworks' own optimizers.")
    parser.add_argument("file", nargs="?", type=Path, default=STORED, help="where to write (default: in rmsprop_lib)")
    parser.add_argument("--compare", action="store_true", help="compare with what is stored, and fail if it differs")
    options = parser.parse_args()
    recording = record()
    options.file.write_text(text_of(recording), encoding="utf-8", newline="\n")
    versions = ", ".join(f"{PACKAGES[framework]} {number}" for framework, number in recording["versions"].items())
    print(f"Recorded {len(recording['traces'])} runs of {versions}.")
    if options.compare:
        found = differences(json.loads(STORED.read_text(encoding="utf-8")), recording)
        print("\n".join(found) or f"They agree with {STORED.name} to {TOLERANCE:g} of each way.")
        return 1 if found else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
