"""The playground without a browser: surfaces, runs, addresses, the widget's Python side, and the joined modules."""

import re
import subprocess
import sys

import numpy as np
import pytest
import traitlets
from hypothesis import given
from hypothesis import strategies as st

from rmsprop_lib import figures, numpy_optim, rules
from rmsprop_lib.playground import Playground, from_address, run, still, to_address
from rmsprop_lib.playground.bundle import _STATIC, bundle, script, source
from rmsprop_lib.playground.edges import divisor
from rmsprop_lib.playground.race import STEPS, record
from rmsprop_lib.playground.state import NUMBERS, OPTIMIZERS, SURFACES, defaults
from rmsprop_lib.playground.surfaces import LANDSCAPES, minimum, noise, normal, uniform
from rmsprop_lib.problems import ravine

MODULES = sorted(path.name for path in _STATIC.iterdir())
PLANES = [name for name, row in SURFACES.items() if "kind" not in row]


class TestSurfaces:
    @pytest.mark.parametrize("surface", PLANES)
    def test_the_gradient_is_that_of_the_value(self, surface):
        h = from_address(f"surface={surface}&angle=30&share=1")
        value, gradient = LANDSCAPES[surface]
        rng = np.random.default_rng(1)
        for x, y in rng.uniform(-1, 1, size=(20, 2)):
            # In the problem of Reddi et al. it is the mean of three gradients that belongs to the value.
            steps = (1, 2, 3) if surface == "reddi" else (7,)
            slope = np.mean([gradient(x, y, t, h) for t in steps], axis=0)
            e, t = 1e-5, steps[0]
            across = (value(x + e, y, t, h) - value(x - e, y, t, h)) / (2 * e)
            along = (value(x, y + e, t, h) - value(x, y - e, t, h)) / (2 * e)
            np.testing.assert_allclose(slope, (across, along), rtol=1e-6, atol=1e-6)

    @pytest.mark.parametrize("surface", PLANES)
    def test_the_minimum_is_where_it_is_said_to_be(self, surface):
        h = from_address(f"surface={surface}")
        place = minimum(5, h)
        if place is None:
            assert surface == "saddle"
            return
        value, _ = LANDSCAPES[surface]
        x, y = place
        for dx, dy in np.random.default_rng(2).normal(size=(50, 2)) * 0.01:
            if surface == "reddi":
                dx = abs(dx)  # x stays at −1 or above
            assert value(x + dx, y + dy, 5, h) > value(x, y, 5, h)

    def test_the_ravine_is_the_librarys(self):
        h = from_address("surface=ravine&kappa=30&angle=20")
        points = np.random.default_rng(3).normal(size=(10, 2))
        value, gradient = LANDSCAPES["ravine"]
        problem = ravine(30.0, np.radians(20))
        for x, y in points:
            assert value(x, y, 1, h) == pytest.approx(problem.value(np.array([x, y])), rel=1e-12)
            np.testing.assert_allclose(gradient(x, y, 1, h), problem.gradient(np.array([x, y])), rtol=1e-12, atol=1e-12)

    def test_the_noise_has_mean_0_and_variance_1_and_no_memory(self):
        z = np.array([normal(3, i) for i in range(20_000)])
        assert abs(z.mean()) < 0.03 and abs(z.var() - 1) < 0.04 and abs(z).max() <= 6
        assert abs(np.corrcoef(z[1:], z[:-1])[0, 1]) < 0.03
        u = np.array([uniform(1, t) for t in range(20_000)])
        assert u.min() >= 0 and u.max() < 1 and abs(u.mean() - 0.5) < 0.01

    def test_momentum_passes_bumps_that_hold_gradient_descent(self):
        h = from_address("surface=bumps")
        ends = {name: run(name, h)[-1] for name in OPTIMIZERS}
        assert all(abs(ends[name][0]) > 2 for name in ("sgd", "adagrad", "rmsprop"))
        assert all(np.abs(ends[name]).max() < 1e-3 for name in ("momentum", "nesterov", "adam"))
        # And higher ones hold it, too.
        assert abs(run("momentum", from_address("surface=bumps&height=0.5"))[-1, 0]) > 0.9

    def test_every_surface_says_what_it_is_and_what_to_look_at(self):
        assert all(row["about"].endswith(".") and row["look"].startswith("Look at ") for row in SURFACES.values())

    def test_a_longer_race_begins_with_the_same_noise(self):
        h = from_address("noise=2&seed=7")
        np.testing.assert_array_equal(noise(h, 50), noise(h, 80)[:50])


LIBRARY = {
    "sgd": lambda h: numpy_optim.SGD(h["eta"]["sgd"]),
    "momentum": lambda h: numpy_optim.SGD(h["eta"]["momentum"], momentum=h["gamma"]),
    "nesterov": lambda h: numpy_optim.SGD(h["eta"]["nesterov"], momentum=h["gamma"], nesterov=True),
    "adagrad": lambda h: numpy_optim.AdaGrad(h["eta"]["adagrad"], h["eps"]),
    "rmsprop": lambda h: numpy_optim.RMSprop(h["eta"]["rmsprop"], h["rho"], h["eps"]),
    "centered": lambda h: numpy_optim.RMSprop(h["eta"]["centered"], h["rho"], h["eps"], centered=True),
    "rmspropm": lambda h: numpy_optim.RMSprop(h["eta"]["rmspropm"], h["rho"], h["eps"], momentum=h["gamma"]),
    "adam": lambda h: numpy_optim.Adam(h["eta"]["adam"], h["beta1"], h["beta2"], h["eps"]),
    "adadelta": lambda h: numpy_optim.AdaDelta(h["eta"]["adadelta"], h["rho"], h["eps"]),
    "adamax": lambda h: numpy_optim.AdaMax(h["eta"]["adamax"], h["beta1"], h["beta2"], h["eps"]),
    "nadam": lambda h: numpy_optim.NAdam(h["eta"]["nadam"], h["beta1"], h["beta2"], h["eps"]),
    "radam": lambda h: numpy_optim.RAdam(h["eta"]["radam"], h["beta1"], h["beta2"], h["eps"]),
    "laprop": lambda h: numpy_optim.LaProp(h["eta"]["laprop"], h["beta1"], h["beta2"], h["eps"]),
    "adabelief": lambda h: numpy_optim.AdaBelief(h["eta"]["adabelief"], h["beta1"], h["beta2"], h["eps"]),
    "yogi": lambda h: numpy_optim.Yogi(h["eta"]["yogi"], h["beta1"], h["beta2"], h["eps"]),
    "lion": lambda h: numpy_optim.Lion(h["eta"]["lion"], h["beta1"], h["beta2"]),
}


class TestRuns:
    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_they_are_those_of_the_librarys_optimizers(self, optimizer):
        h = from_address("surface=ravine&kappa=30&angle=20&start=-6,4&eps=0.01&rho=0.95&beta2=0.98&gamma=0.8&steps=150")
        problem = ravine(30.0, np.radians(20))
        # Later the cycle that RMSprop ends in magnifies what two ways to take a root differ by in the last digit.
        of_the_library, points = LIBRARY[optimizer](h), [np.array([-6.0, 4.0])]
        for _ in range(150):
            points.append(of_the_library.update({"x": points[-1]}, {"x": problem.gradient(points[-1])})["x"])
        np.testing.assert_allclose(run(optimizer, h), points, rtol=1e-9, atol=1e-10)

    def test_the_first_step_of_rmsprop_is_the_rate_over_the_root_of_one_minus_rho(self):
        points = run("rmsprop", from_address("surface=ravine&rho=0.96&eps=1e-12"))
        np.testing.assert_allclose(points[0] - points[1], 0.1 / 0.2, rtol=1e-9)

    def test_the_inner_epsilon_is_used(self):
        outside, inside = (run("rmsprop", from_address(f"eps=4&inside={i}"))[1] for i in (0, 1))
        assert np.abs(outside - inside).max() > 1e-3

    def test_a_run_that_diverges_ends(self):
        points = run("sgd", from_address("eta.sgd=10"))
        assert 2 < len(points) < 20 and np.isfinite(points).all()

    def test_a_rule_of_ones_own_is_raced_as_the_librarys_are(self):
        def mine(g, state, t):
            m, v = state.get("m", 0.0), state.get("v", 0.0)
            d, state["m"], state["v"] = rules.adam(g, m, v, t, 0.9, 0.999, 1e-8)
            return d

        for surface in LANDSCAPES:
            h = from_address(f"surface={surface}&noise=0.5")
            np.testing.assert_array_equal(run(mine, h, eta=h["eta"]["adam"]), run("adam", h))

    def test_what_a_rule_does_to_its_gradient_or_returns_once_more_changes_no_run(self):
        kept = np.zeros(2)

        def careless(g, state, t):
            kept[:] = np.sign(g)
            g *= 0
            return kept

        found = record(careless, from_address("surface=saddle&start=1.9,1.1&steps=20"), 0.5)
        np.testing.assert_array_equal(np.abs(found.d), 1)
        assert (np.abs(found.g[:3]) > 0).all()
        np.testing.assert_array_equal(found.theta[1:], found.theta[:-1] - 0.5 * found.d)

    def test_one_number_is_for_both_coordinates(self):
        assert run(lambda g, state, t: 1, {"start": (1.0, 2.0), "steps": 10}).tolist()[1] == [0.9, 1.9]

    @pytest.mark.parametrize("wrong", [None, "no", np.ones(3), [1, 2, 3], 1j, np.ones((2, 2)), [[1], [2, 3]], {}])
    def test_what_is_no_step_is_refused(self, wrong):
        with pytest.raises(ValueError, match=r"returned .* at step 1; it must return two numbers, or one for both"):
            run(lambda g, state, t: wrong, {})

    @pytest.mark.parametrize("eta", [0, -1, np.inf, np.nan])
    def test_a_rate_that_is_none_is_refused(self, eta):
        with pytest.raises(ValueError, match="it must be a positive number"):
            run("sgd", {}, eta=eta)

    @pytest.mark.parametrize("where", ["surface=beale", "surface=drifting&noise=1", "surface=reddi", "eta.sgd=10"])
    def test_a_record_holds_every_step_and_the_height_of_every_point(self, where):
        h = from_address(f"{where}&steps=60")
        found = record("sgd", h)
        value, _ = LANDSCAPES[h["surface"]]
        assert len(found.theta) == len(found.loss) == len(found.g) + 1 == len(found.d) + 1
        heights = [value(x, y, min(t, 60), h) for t, (x, y) in enumerate(found.theta.tolist(), start=1)]
        np.testing.assert_array_equal(found.loss, heights)
        np.testing.assert_array_equal(found.d, found.g)

    def test_adadelta_sets_out_from_epsilon(self):
        value, _ = LANDSCAPES["ravine"]
        addresses = [f"surface=ravine&eps={eps}&eta.adadelta=1" for eps in ("1e-8", "0.0001")]
        slow, fast = (value(*map(float, run("adadelta", h)[-1]), 300, h) for h in map(from_address, addresses))
        assert slow > 80 and fast < 1
        at_ten = [name for name in PLANES if from_address(f"surface={name}")["eta"]["adadelta"] == 10]
        assert len(at_ten) > len(PLANES) / 2

    def test_x_stays_between_its_bounds_in_the_problem_of_reddi(self):
        points = run("sgd", from_address("surface=reddi&eta.sgd=5"))
        assert np.abs(points[:, 0]).max() == 1

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    @pytest.mark.parametrize("surface", PLANES)
    def test_at_its_usual_rate_a_race_is_worth_to_look_at(self, surface, optimizer):
        """Nothing leaves for far away, and nothing stands still."""
        h = from_address(f"surface={surface}")
        points = run(optimizer, h)
        assert len(points) == h["steps"] + 1
        x0, x1, _, _ = SURFACES[surface]["box"]
        assert np.abs(points - points[0]).max() > 0.01 * (x1 - x0)
        if surface != "saddle":
            assert np.abs(points).max() < 1.5 * max(map(abs, SURFACES[surface]["box"]))

    @pytest.mark.parametrize("optimizer", [name for name, row in OPTIMIZERS.items() if set(row[1]) & set("Gvsu")])
    @pytest.mark.parametrize("inside", [False, True])
    def test_what_divides_the_gradient_is_what_a_step_without_memory_of_gradients_divides_it_by(
        self, optimizer, inside
    ):
        h = {**defaults(), "beta1": 0.0, "gamma": 0.0, "beta2": 0.9, "rho": 0.8, "eps": 0.01, "inside": inside}
        accumulators, step = STEPS[optimizer]
        state = [np.zeros(2)] * accumulators
        for t in range(1, 40):
            g = np.array([0.5, -3.0]) * (1 + t % 3)
            before = state
            d, *state = step(g, *state, t, h)
            kept = [state[0], before[1]] if optimizer == "adadelta" else state
            np.testing.assert_allclose(d * divisor(optimizer, kept, t, h), g, rtol=1e-12)

    def test_what_is_left_out_has_its_default(self):
        np.testing.assert_array_equal(run("adam", {"surface": "beale"}), run("adam", from_address("surface=beale")))

    def test_every_optimizer_has_a_rule_and_every_surface_a_landscape(self):
        assert list(STEPS) == list(OPTIMIZERS)
        assert set(LANDSCAPES) == set(PLANES)

    def test_the_family_stands_behind_the_others(self):
        folded = [len(row) == 6 and row[5] for row in OPTIMIZERS.values()]
        assert folded == 8 * [False] + 8 * [True]
        assert not any(row[3] for row in OPTIMIZERS.values() if len(row) == 6)


STATES = st.builds(
    lambda surface, numbers, start, on, rates, inside, at: {
        **defaults(surface),
        **numbers,
        "start": tuple(
            float(f"{low + u * (high - low):.4g}")
            for u, low, high in zip(start, SURFACES[surface]["box"][::2], SURFACES[surface]["box"][1::2], strict=True)
        ),
        "on": tuple(name for name in OPTIMIZERS if name in on),
        "eta": {**defaults()["eta"], **rates},
        "inside": inside,
        "at": at,
    },
    st.sampled_from(PLANES),
    st.fixed_dictionaries(
        {},
        optional={
            name: st.integers(row[0], row[1])
            if row[3] == "whole"
            else st.floats(row[0], row[1]).map(lambda x, low=row[0]: max(low, float(f"{x:.6g}")))
            for name, row in NUMBERS.items()
            if name != "steps"
        },
    ),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
    st.sets(st.sampled_from(list(OPTIMIZERS)), min_size=1),
    st.dictionaries(st.sampled_from(list(OPTIMIZERS)), st.floats(1e-5, 10).map(lambda x: float(f"{x:.6g}"))),
    st.booleans(),
    st.none() | st.integers(0, 299),
)


class TestAddresses:
    @given(STATES)
    def test_an_address_gives_the_state_that_it_was_made_from(self, state):
        assert from_address(to_address(state)) == state

    @pytest.mark.parametrize("surface", SURFACES)
    def test_a_state_of_defaults_is_its_surfaces_name(self, surface):
        assert to_address(defaults(surface)) == f"surface={surface}"
        assert from_address(f"surface={surface}") == defaults(surface)

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("surface=hill", "surface=hill is not allowed; it must be one of ravine, rosenbrock"),
            ("rho=1", "rho=1 is not allowed; it must be a number from 0 to 0.9999"),
            ("rho=nan", "rho=nan is not allowed; it must be a number from 0"),
            ("rho=0.5&rho=0.6", "rho is given twice"),
            ("eta.newton=1", "eta.newton is not allowed; it must be one of sgd"),
            ("eta.sgd=1e3", "eta.sgd=1e3 is not allowed; it must be a number from 1e-05 to 10"),
            ("start=1", "start=1 is not allowed; it must be two numbers"),
            ("start=1,99", "start, y=99 is not allowed; it must be a number from -11 to 11"),
            ("on=sgd,newton", "on=newton is not allowed; it must be one of sgd"),
            ("inside=yes", "inside=yes is not allowed; it must be one of 0, 1"),
            ("steps=1e9", "steps=1e9 is not allowed"),
            ("__proto__=1", "'__proto__' is not a setting of the playground; it has surface, kappa"),
            ("rho=0.5&" * 400, "the address has 3200 characters"),
        ],
    )
    def test_an_error_says_what_is_allowed(self, address, said):
        with pytest.raises(ValueError, match=re.escape(said)):
            from_address(address)


class TestWidget:
    def test_its_traits_are_one_state(self):
        playground = Playground("surface=ravine&angle=45")
        assert (playground.start, playground.step) == ((1.0, 10.0), 300)
        playground.start = (4, 7)
        playground.step = 20
        assert playground.address == "surface=ravine&angle=45&start=4,7&at=20"
        playground.address = "surface=beale&steps=50"
        assert (playground.start, playground.step) == ((1.0, 1.0), 50)
        playground.step = 900  # beyond the end is the end
        assert (playground.step, playground.address) == (50, "surface=beale&steps=50")

    def test_what_comes_from_the_page_is_seen_once(self):
        playground, seen = Playground(), []
        playground.observe(lambda change: seen.append((change["name"], change["new"])), names=["address", "start"])
        playground.set_state({"address": "surface=ravine&start=2,3"})  # as the browser's message does
        assert sorted(seen) == [("address", "surface=ravine&start=2,3"), ("start", (2.0, 3.0))]

    @pytest.mark.parametrize(
        ("trait", "value"), [("address", "rho=2"), ("start", (100, 0)), ("start", (float("nan"), 0)), ("step", -1)]
    )
    def test_what_is_not_allowed_is_refused_and_changes_nothing(self, trait, value):
        playground = Playground("surface=ravine&rho=0.5")
        with pytest.raises(traitlets.TraitError, match="is not allowed; it must be a number from"):
            setattr(playground, trait, value)
        assert (playground.address, playground.start) == ("surface=ravine&rho=0.5", (1.0, 10.0))

    def test_it_is_refused_at_once(self):
        with pytest.raises(traitlets.TraitError, match="surface=hill is not allowed"):
            Playground("surface=hill")


class TestStill:
    def test_it_draws_the_paths_that_the_race_has(self):
        axes = still("surface=ravine&on=sgd,adam&steps=50")
        drawn = {line.get_label(): line.get_xydata() for line in axes.lines}
        for name in ("sgd", "adam"):
            np.testing.assert_array_equal(drawn[OPTIMIZERS[name][0]], run(name, from_address("steps=50")))
        assert "RMSprop" not in drawn
        figures.plt.close(axes.figure)

    @pytest.mark.parametrize("surface", SURFACES)
    def test_it_draws_every_surface(self, surface):
        figures.plt.close(still(f"surface={surface}&steps=100&on=sgd,rmsprop").figure)

    def test_an_address_that_is_not_allowed_is_refused(self):
        with pytest.raises(ValueError, match="rho=2 is not allowed"):
            still("rho=2")


class TestModules:
    def test_they_are_small_enough_to_read(self):
        assert sum(len(source(name).encode()) for name in MODULES if name.endswith(".mjs")) < 97_000

    def test_all_of_them_are_joined_and_no_import_is_left(self):
        for text in (script(), bundle("widget.mjs")):
            assert not re.search(r"^\s*import\b", text, re.MULTILINE)
        joined = script()
        for name in MODULES:
            first = source(name).splitlines()[0]
            assert first in joined, name
        assert re.findall(r"^export .*$", bundle("widget.mjs"), re.MULTILINE) == ["export default { render };"]
        assert "export" not in re.sub(r"//.*", "", joined)

    def test_no_two_of_them_have_a_name_in_common(self):
        named = r"^(?:export )?(?:async )?(?:const|let|function|class) (?:(\w+)|[\[{]([^=]*?)[\]}] =)"
        names = [
            name.split(":")[-1].strip()
            for module in MODULES
            if module.endswith(".mjs")
            for single, several in re.findall(named, source(module), re.MULTILINE)
            for name in (several.split(",") if several else [single])
        ]
        assert len(names) > 50
        assert sorted(names) == sorted(set(names))

    def test_no_markup_holds_a_style_or_a_handler(self):
        # A page may forbid both.
        markup = source("parts.mjs")
        assert not re.search(r"<[^>]*\s(?:style|on\w+)=", markup)

    def test_the_picture_of_the_numbers_alone_needs_neither_the_widget_nor_matplotlib(self):
        program = "from rmsprop_lib.playground import run\nrun('sgd', {'steps': 10})\nimport sys\nprint(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert {"anywidget", "matplotlib", "torch"}.isdisjoint(done.stdout.split())
