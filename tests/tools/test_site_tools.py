"""The small programs that finish the site: what they take away, add and repair, and what they refuse."""

import base64
import hashlib
import json
import re
import shutil

import nbformat
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from tools.measure import run_statistics
from tools.paths import RUNS, SITE
from tools.site import run_tables
from tools.site.accessible_pages import accessible
from tools.site.lean_pages import ICON_RULE, cut_icons, lean, patient, policy, shrink, stored_in
from tools.site.site_address import site_address

HEAD = '<head><meta charset="utf-8" /><title>t</title></head>'


class TestLeanPages:
    def test_a_policy_allows_the_scripts_that_are_in_the_page_and_no_other(self):
        page = f'{HEAD}<script>let a = "1 < 2";</script><script src="a.js"></script><b onclick="f(&quot;x&quot;)">b</b>'
        for code in ('let a = "1 < 2";', 'f("x")'):
            digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy(page)
        assert policy(page).count("sha256-") == 2
        assert "'unsafe-hashes'" in policy(page)
        assert policy(HEAD, ["f()"]) == policy(HEAD + '<b onclick="f()">')  # a page that the search looks into
        assert "unsafe" not in policy(HEAD).replace("style-src 'self' 'unsafe-inline'", "")

    def test_it_stands_before_everything_that_it_governs(self):
        page = lean(f"{HEAD}<script>1</script>")
        assert page.index("Content-Security-Policy") < page.index("<title>") < page.index("<script>")

    def test_what_is_loaded_for_nothing_goes(self):
        tag = '<script defer src="../_static/scripts/fontawesome.js?digest=1"></script>'
        twice = "<script>var a = 1;</script>\n<script>var a = 1;</script>"
        page = lean(f"{HEAD}{tag}{twice}<script>var b = 1;</script>")
        assert "fontawesome" not in page
        assert page.count("<script>") == 2

    def test_a_picture_waits_in_a_place_of_its_size(self, tmp_path):
        (tmp_path / "_images").mkdir()
        Image.new("RGB", (30, 20)).save(tmp_path / "_images" / "a.png")
        page = patient('<img alt="x" src="../_images/a.png" /><img width="3" src="../_images/a.png">', tmp_path)
        assert page.startswith('<img loading="lazy" width="30" height="20" alt="x" src="../_images/a.png" />')
        assert page.endswith('<img width="3" src="../_images/a.png">')

    def test_a_plot_gets_a_palette_that_comes_near_and_a_photograph_keeps_its_colours(self, tmp_path):
        plot, photograph, through = (tmp_path / f"{name}.png" for name in ("plot", "photograph", "through"))
        pixels = np.full((200, 300, 3), 255, dtype=np.uint8)
        pixels[50:60, :, 0] = 0
        pixels[100:104, :, 1:] = np.arange(300, dtype=np.uint16)[None, :, None] * 255 // 299
        Image.fromarray(pixels).save(plot)
        noise = np.random.default_rng(1).integers(0, 256, size=(200, 300, 3), dtype=np.uint8)
        Image.fromarray(noise).save(photograph)
        Image.new("RGBA", (9, 9), (1, 2, 3, 128)).save(through)
        before = plot.stat().st_size
        stored = {path.stem: shrink(path) for path in (plot, photograph, through)}
        assert {name: path.suffix for name, path in stored.items()} == {
            "plot": ".webp",
            "photograph": ".png",
            "through": ".png",
        }
        assert not plot.exists() and stored["plot"].stat().st_size < before
        with Image.open(stored["plot"]) as small:
            assert len(small.convert("RGB").getcolors()) <= 256
            assert np.abs(np.asarray(small.convert("RGB"), dtype=int) - pixels).mean() < 0.8
        with Image.open(photograph) as kept, Image.open(through) as clear:
            assert (np.asarray(kept) == noise).all()
            assert clear.mode == "RGBA"

    def test_a_page_names_its_pictures_as_they_are_stored(self):
        page = '<img src="../_images/a.png"><a href="../_images/b.png"> <meta content="_images/cards/a.png"> a.png'
        expected = page.replace("_images/a.png", "_images/a.webp")
        assert stored_in(page, {"a.png": "a.webp", "b.png": "b.png"}) == expected

    def test_the_icons_that_occur_are_kept(self):
        rules = '.fa-house:before,.fa-home:before{content:"\\f015"}.fa-car:before{content:"\\f1b9"}'
        assert [rule[2] for rule in ICON_RULE.finditer(rules)] == ["f015", "f1b9"]

    def test_the_built_site_has_the_icons_that_its_pages_name(self):
        static = SITE / "_static"
        style = (static / "styles" / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
        page = (SITE / "chapters" / "03_rmsprop.html").read_text(encoding="utf-8")
        families = {"fa-solid", "fa-regular", "fa-brands", "fa-lg", "fa-fw", "fa-2x"}
        names = set(re.findall(r'<i class="[^"]*?\b(fa-[a-z][\w-]*)"', page)) - families
        assert names
        assert all(re.search(rf"\.{name}:{{1,2}}before", style) for name in names)
        assert ".fa-rocketchat" not in style
        with TTFont(static / "vendor" / "fontawesome" / "webfonts" / "fa-solid-900.woff2") as font:
            characters = font.getBestCmap()
        assert {0xF019, 0xF0C9} <= set(characters)  # an arrow into a tray, three bars
        assert len(characters) < 80

    def test_cutting_twice_changes_nothing_more(self, tmp_path):
        static = tmp_path / "_static"
        shutil.copytree(SITE / "_static" / "styles", static / "styles")
        shutil.copytree(SITE / "_static" / "vendor", static / "vendor")
        before = {path: path.stat().st_size for path in static.rglob("*.css")}
        pages = [path.read_text(encoding="utf-8") for path in (SITE).glob("**/*.html")]
        scripts = [path.read_text(encoding="utf-8") for path in (SITE / "_static" / "scripts").glob("*.js")]
        cut_icons(static, pages + scripts)
        assert {path: path.stat().st_size for path in static.rglob("*.css")} == before


class TestAccessiblePages:
    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ('<th class="head"><p></p></th>', '<td class="head"></td>'),
            ('<th class="head text-left"><p></p></th>', '<td class="head text-left"></td>'),
            ('<div class="citation" id="a" role="doc-biblioentry">', '<div class="citation" id="a">'),
            ("<h1></h1>", ""),
            (
                '<dl>\n<dd><em class="sig-param">a</em>,</dd>\n</dl>',
                '<div class="sig-lines">\n<div class="sig-line"><em class="sig-param">a</em>,</div>\n</div>',
            ),
            ('<th class="head"><p>x</p></th>', '<th class="head"><p>x</p></th>'),
        ],
    )
    def test_a_repair(self, wrong, right):
        assert accessible(f"<p>{wrong}</p>") == f"<p>{right}</p>"


class TestSiteAddress:
    @pytest.mark.parametrize(
        ("environment", "repository", "address"),
        [
            ({}, "https://github.com/Someone/book", "https://someone.github.io/book/"),
            ({}, "https://github.com/Someone/book.git", "https://someone.github.io/book/"),
            ({}, "https://github.com/someone/someone.github.io", "https://someone.github.io/"),
            ({"BOOK_SITE_URL": "https://book.example.org"}, "https://github.com/a/b", "https://book.example.org/"),
        ],
    )
    def test_it_is_the_pages_of_the_repository_or_what_is_given(self, environment, repository, address):
        assert site_address(environment, repository) == address

    @pytest.mark.parametrize("given", ["book.example.org", "javascript:alert(1)", "file:///book"])
    def test_what_is_no_address_is_refused(self, given):
        with pytest.raises(ValueError, match=re.escape(f"BOOK_SITE_URL={given} is not allowed")):
            site_address({"BOOK_SITE_URL": given}, "https://github.com/a/b")


class TestRunStatistics:
    def test_every_notebook_is_in_the_record(self):
        runs = json.loads(RUNS.read_text(encoding="utf-8"))
        known = {path.stem for path in run_statistics.notebooks([])}
        assert set(runs["seconds"]) == set(runs["cells"]) == known, "run `make statistics`"
        assert all(seconds > 0 for seconds in runs["seconds"].values())
        assert set(runs["versions"]) == set(run_statistics.PACKAGES)

    def test_the_tables_have_a_row_for_each_and_their_sum(self):
        runs = {"date": "2030-01-02", "processor": "P", "processors": 2, "system": "S", "python": "3.11.1"}
        runs |= {"versions": {"numpy": "2.0"}, "seconds": {"a": 1.25, "b": 2.5}, "cells": {"a": 3, "b": 4}}
        text = run_tables.tables(runs, {"a": "First"})
        for row in ("| [First](a.ipynb) | 3 | 1.2 |", "| **all** | 7 | 4 |", "| numpy | 2.0 |"):
            assert row in text
        assert "2030-01-02 on 2 processors (P), S" in text

    def test_it_says_which_chapters_take_too_long(self, monkeypatch, tmp_path, capsys):
        seconds = {"01_a": 3.0, "02_b": 25.0, "03_c": 25.2, "04_d": 70.0}
        monkeypatch.setattr(run_statistics, "record", lambda: {"seconds": seconds})
        monkeypatch.setattr(run_statistics, "CHAPTERS", tmp_path / "chapters")
        monkeypatch.setattr(run_statistics, "RUNS", tmp_path / "runs.json")
        assert run_statistics.main() == 0
        assert "Longer than 25 s: 04_d 70 s, 03_c 25 s." in capsys.readouterr().out
        assert json.loads((tmp_path / "runs.json").read_text())["seconds"] == seconds

    def test_it_runs_the_notebooks(self, tmp_path, monkeypatch):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
        (tmp_path / "a.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
        monkeypatch.setattr(run_statistics, "CHAPTERS", tmp_path)
        monkeypatch.setattr(run_statistics, "notebooks", lambda names: [tmp_path / "a.ipynb"])
        runs = run_statistics.record()
        assert runs["cells"] == {"a": 1} and runs["seconds"]["a"] > 0
