"""Reports of benchmarks: what they say, what they refuse, and the page in a real browser."""

import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

import tfprune
from tfprune import cli
from tfprune.errors import DataError, FileError
from tfprune.report.benchmarks.accuracies import read_accuracies
from tfprune.report.benchmarks.comparison import compare
from tfprune.report.benchmarks.labels import label_places
from tfprune.report.benchmarks.page import check_page, render_page
from tfprune.report.benchmarks.pareto import front
from tfprune.report.benchmarks.promise import advice, promise

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


def row(model: str, ms: float, macs: int | None, first: float, **more) -> dict:
    """A row as `tfprune benchmark` writes it."""
    return {
        "model": model,
        "path": f"models/{model}",
        "runtime": "LiteRT",
        "median_ms": ms,
        "p90_ms": ms * 1.1,
        "speedup": first / ms,
        "speedup_low": first / ms * 0.99,
        "speedup_high": first / ms * 1.01,
        "bytes": 1_000_000,
        "sha256": f"{model:0>64}",
        "macs": macs,
        "peak_memory_bytes": 5_000_000,
        "cold_start_ms": 3 * ms,
        "joules": None,
        "accuracy": None,
        "accuracy_interval": None,
        "throughput": [{"batch": 1, "median_ms": ms, "per_second": 1e3 / ms, "refused": ""}],
        **more,
    }


def run_of(rows: list[dict], **more) -> dict:
    machine = {"processor": "Chip", "cores": 2, "system": "Linux x86_64", "flags": ["avx2"]}
    return {"title": 'A <net> & "more"', "threads": 1, "machine": machine, "rows": rows, **more}


@pytest.fixture
def results(tmp_path) -> Path:
    """A file of two runs; in the first a pruned net is slow, and its rounded one is not."""
    rows = [
        row("whole.tflite", 10, 1000, 10, accuracy=0.95, accuracy_interval=[0.93, 0.96]),
        row("odd.tflite", 5, 200, 10, accuracy=0.94),
        row("rounded.tflite", 2.5, 210, 10, accuracy=0.945),
        row("less.tflite", 2.6, 100, 10, accuracy=0.90),
    ]
    other = [row("a.onnx", 1, None, 1), row("b.onnx", 0.5, None, 1)]
    runs = [run_of(rows, warnings=["load average 9"]), run_of(other, title="")]
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"format": "tfprune.benchmark", "version": 1, "runs": runs}))
    return path


class TestPromises:
    def test_a_rounded_model_is_named(self):
        macs, times = [1000, 200, 210], [10.0, 5.0, 2.5]
        promises = [promise(m, 1000, 10 / t) for m, t in zip(macs, times, strict=True)]
        (said,) = advice(["whole", "odd", "rounded"], macs, times, promises)
        assert said.startswith("odd is 2.00x as fast where its MACs promise 5.00x: 40% of it")
        assert "rounded has 5% more MACs and is 2.00x faster" in said

    def test_without_a_better_one_the_way_is_told(self):
        promises = [promise(100, 100, 1.0), promise(10, 100, 3.0)]
        (said,) = advice(["a", "b"], [100, 10], [3.0, 1.0], promises)
        assert 'round_to="auto"' in said

    def test_little_promised_or_enough_reached_is_not_worth_a_word(self):
        promises = [promise(100, 100, 1.0), promise(90, 100, 0.5), promise(10, 100, 7.0)]
        assert all(one.kept for one in promises)
        assert promise(None, 100, 2.0).share is None
        assert advice("abc", [100, 90, 10], [1.0, 2.0, 0.1], promises) == []


POINTS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12)


@given(POINTS)
def test_the_front_is_what_no_other_beats(points):
    costs, gains = zip(*points, strict=True)

    def beaten(place: int) -> bool:
        return any(
            cost <= costs[place]
            and gain >= gains[place]
            and (cost, gain) != (costs[place], gains[place])
            for cost, gain in points
        )

    expected = {place for place in range(len(points)) if not beaten(place)}
    assert set(front(costs, gains)) == expected


class TestAccuracies:
    def test_shares_per_cent_and_files(self, tmp_path):
        (tmp_path / "a.json").write_text('{"x": 0.5, "y=z": "60 %"}')
        found = read_accuracies(["a=b=0.25", str(tmp_path / "a.json")])
        assert found == {"a=b": 0.25, "x": 0.5, "y=z": 0.6}

    @pytest.mark.parametrize("text", ["a=93", "a=x", "a=-0.1", "a=nan"])
    def test_no_shares(self, text):
        with pytest.raises(DataError, match="between 0 and 1"):
            read_accuracies([text])

    def test_no_files(self, tmp_path):
        with pytest.raises(FileError, match="found no file"):
            read_accuracies([str(tmp_path / "none.json")])
        for content in ("{", "[1]"):
            (tmp_path / "a.json").write_text(content)
            with pytest.raises(FileError, match="expected"):
                read_accuracies([str(tmp_path / "a.json")])

    def test_by_name_path_or_stem_before_what_the_file_says(self):
        rows = [row("m.tflite", 1, 1, 1, accuracy=0.5, accuracy_interval=[0.4, 0.6])]
        for name in ("m.tflite", "models/m.tflite", "m"):
            (line,) = compare(run_of(rows), {name: 0.75}).lines
            assert (line.accuracy, line.interval) == (0.75, None)
        (line,) = compare(run_of(rows), {}).lines
        assert (line.accuracy, line.interval) == (0.5, (0.4, 0.6))


def test_names_keep_clear_of_dots_and_each_other():
    dots = [(50.0, 50.0 + 4 * number) for number in range(3)]
    places = label_places(dots, ["one", "two", "three"], (0, 0, 200, 200), 1.0)
    assert len({(place.align, place.y) for place in places}) == 3
    (edge,) = label_places([(195.0, 100.0)], ["a long name"], (0, 0, 200, 200), 1.0)
    assert edge.align == "right"


class TestCommand:
    def test_table_and_json(self, results, capsys):
        assert cli.main(["report", str(results), "--accuracy", "b=91%"]) == 0
        text = capsys.readouterr().out
        for part in ("whole.tflite", "40%", "rounded widths mend it", "noisy: load", "91.0% *"):
            assert part in text
        assert cli.main(["report", str(results), str(results), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)["comparisons"]
        assert [one["title"] for one in told] == ['A <net> & "more"', "a and 1 other"] * 2
        assert [one["on_front"] for one in told[0]["rows"]] == [True, False, True, False]
        assert told[0]["rows"][1]["reached_share"] == pytest.approx(0.4)

    def test_an_accuracy_of_nobody(self, results, capsys):
        assert cli.main(["report", str(results), "--accuracy", "nobody=0.5"]) == 1
        assert "received one of nobody" in capsys.readouterr().err

    def test_pages_are_refused_before_the_work(self, results, tmp_path, capsys):
        for name, reason in (("page.txt", "named *.html"), ("none/page.html", "does not exist")):
            assert cli.main(["report", str(results), "-o", str(tmp_path / name)]) == 1
            assert reason in capsys.readouterr().err
        (tmp_path / "page.html").write_text("mine")
        assert cli.main(["report", str(results), "-o", str(tmp_path / "page.html")]) == 1
        assert (tmp_path / "page.html").read_text() == "mine"
        with pytest.raises(FileError, match="named"):
            check_page(tmp_path / "page.pdf")

    def test_a_benchmark_becomes_a_page(self, tmp_path, capsys):
        """From files with accuracies in their metadata to the page, with the plan."""
        given_ = keras.Input((4,))
        model = keras.Model(given_, layers.Dense(3)(layers.Dense(8, "relu")(given_)))
        plan = tfprune.plan(model, ratio=0.5)
        plan.save(tmp_path / "plan.json")
        x, y = keras.ops.ones((6, 4)), [0, 1, 2, 0, 1, 2]
        from tfprune.convert import to_tflite

        files = [
            to_tflite(net, tmp_path / f"{name}.tflite", samples=[x], labels=y).path
            for name, net in (("whole", model), ("half", tfprune.rebuild(model, plan)))
        ]
        kept = ["--output", str(tmp_path / "r.json")]
        assert cli.main(["benchmark", *map(str, files), "--runs", "1", "--no_memory", *kept]) == 0
        page = ["--plan", str(tmp_path / "plan.json"), "-o", str(tmp_path / "page.html")]
        assert cli.main(["report", str(tmp_path / "r.json"), *page]) == 0
        assert "33.3%" in capsys.readouterr().out
        text = (tmp_path / "page.html").read_text()
        for file in files:
            assert file.name in text
        assert "Layer by layer: 2 groups" in text
        assert json.loads((tmp_path / "r.json").read_text())["runs"][0]["rows"][0]["sha256"] in text


class _Parser(html.parser.HTMLParser):
    """Notes what a page asks for, and whether its elements close in their order."""

    VOID = ("meta", "br", "path", "use", "rect", "circle", "line", "image", "link", "hr")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def page_of(results: Path) -> str:
    runs = json.loads(results.read_text())["runs"]
    return render_page([compare(run, {}) for run in runs], [], "A title")


def test_the_page_needs_nothing_else(results):
    text = page_of(results)
    parser = _Parser()
    parser.feed(text)
    assert parser.open == []
    assert all(link.startswith("#") for link in parser.links)
    assert not re.search(r"url\((?!#)|@import|<script|<link", text)
    assert "A &lt;net&gt; &amp; " in text
    assert "<net>" not in text
    # Names in a drawing are the page's own: a clip of one plot must not be another's.
    names = re.findall(r'id="([^"]+)"', text)
    assert len(set(names)) == len(names) > 0
    assert text == page_of(results)


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser(results, tmp_path, width):
    """The page in a frame as wide as a telephone or a screen: no errors, nothing sticks out."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("needs chromium")
    text = page_of(results).replace("&", "&amp;").replace('"', "&quot;")
    frame = f"""<!doctype html><body style="margin:0">
<iframe id="f" width="{width}" height="2000" style="border:0" srcdoc="{text}"></iframe>
<script>
  const frame = document.getElementById("f");
  frame.onload = () => {{
    const root = frame.contentDocument.documentElement;
    document.body.dataset.told = [frame.contentWindow.innerWidth, root.scrollWidth,
      frame.contentDocument.querySelectorAll("figure svg").length].join(" ");
  }};
</script>"""
    (tmp_path / "frame.html").write_text(frame)
    usual = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    usual += [f"--user-data-dir={tmp_path}/profile", "--window-size=1400,2000"]
    at = (tmp_path / "frame.html").as_uri()
    done = subprocess.run(
        [browser, *usual, "--dump-dom", at], capture_output=True, text=True, timeout=120
    )
    inner, scroll, figures = map(int, re.search(r'data-told="([\d ]+)"', done.stdout)[1].split())
    assert inner == width
    assert scroll <= width  # less a scroll bar
    assert figures == 3
    assert "CONSOLE" not in done.stderr
    shot = tmp_path / "page.png"
    subprocess.run([browser, *usual, f"--screenshot={shot}", at], capture_output=True, timeout=120)
    assert _colours(shot) > 20


def _colours(picture: Path) -> int:
    """How many colours a screenshot shows: a blank page shows one."""
    from matplotlib.image import imread

    pixels = (imread(picture)[::4, ::4, :3] * 255).astype("uint32")
    return len(set((pixels[..., 0] * 65536 + pixels[..., 1] * 256 + pixels[..., 2]).flat))
