"""Pictures as SVG: what is drawn is what the arrays hold; well formed, escaped, small."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from bounds import HALVED, INTERPOLATED
from scipy import sparse

from relmer.reports.chapters.scenes import fit_of
from relmer.reports.chapters.surroundings import reach
from relmer.reports.pictures import drawings, landscapes, plots
from relmer.reports.pictures.svg import label, ticks
from relmer.solver.paths.criterion import criterion, prepare, solve_at

HOSTILE = "<script>alert(1)</script> ]]> \"'& \x00\ud800 {{ 7 }}"
TOLD = {"names": ("x", "y"), "title": "T", "description": "D"}
TILE = re.compile(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z")


def parsed(drawn):
    assert not re.search(r"\s(style|id|on\w+|href)=|url\(|\x00|\ud800", drawn)
    root = ElementTree.fromstring(drawn)
    assert root.tag == "svg" and root.get("role") == "img"
    assert [child.tag for child in root[:2]] == ["title", "desc"]
    return root


def tiles(root):
    """Each tile as (class, row, column, height, width), counted in entries of `cell` pixels."""
    found = []
    for element in root.iter("path"):
        kind = element.get("class")
        if kind.split()[0] in {"positive", "negative"}:
            for x, y, width, height in TILE.findall(element.get("d")):
                found.append((kind, float(y), float(x), float(height), float(width)))
    return found


def painted(root, shape, cell):
    """Sign of every entry that a tile covers."""
    signs = np.zeros(shape, dtype=int)
    for kind, y, x, height, width in tiles(root):
        i, j = round((y - drawings.TOP) / cell), round((x - drawings.LEFT) / cell)
        block = np.s_[i : i + round(height / cell), j : j + round(width / cell)]
        assert not signs[block].any(), "two tiles lie on one another"
        signs[block] = 1 if kind.startswith("positive") else -1
    return signs


@pytest.mark.parametrize("seed", range(5))
def test_an_image_paints_exactly_the_entries_with_their_signs(seed):
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(20, 30)) * (random.random((20, 30)) < 0.3)
    root = parsed(drawings.image(sparse.csc_array(matrix), "Z", "pattern"))
    assert (painted(root, matrix.shape, 10.0) == np.sign(matrix)).all()


def test_the_shade_grows_with_the_size():
    root = parsed(drawings.image(np.diag([1.0, 2.0, 3.0, 4.0, 5.0, -6.0]), "G", "diagonal"))
    by_row = [kind for kind, *_ in sorted(tiles(root), key=lambda tile: tile[1])]
    assert by_row == [*(f"positive tone{k}" for k in range(1, 6)), "negative tone6"]


def test_equal_neighbours_are_one_tile_and_the_dimensions_are_named():
    drawn = drawings.image(sparse.csc_array(np.ones((4, 1000))), "Z", "all ones")
    assert len(tiles(parsed(drawn))) == 4
    assert "Dimensions: 4 × 1,000" in drawn and len(drawn) < 3000


def test_numbers_show_stored_zeros_and_a_dot_where_nothing_is_stored():
    matrix = sparse.coo_array((np.array([1.0, 0.0, -2.0]), ([0, 0, 1], [0, 1, 1])), shape=(2, 2))
    root = parsed(drawings.image(matrix, "Z", "", numbers=True))
    written = [(e.get("class"), e.text) for e in root.iter("text") if e.get("class") in {"entry", "none"}]
    assert written == [("entry", "1"), ("entry", "0"), ("none", "·"), ("entry", "−2")]


def test_rows_of_a_cut_are_numbered_as_in_the_whole():
    drawn = drawings.image(np.eye(4), "V", "", first_row=26)
    assert [e.text for e in parsed(drawn).iter("text") if e.get("class") == "tick"][:4] == ["26", "27", "28", "29"]


def test_a_large_block_diagonal_matrix_is_a_square_for_each_block():
    sizes = [7, 5, 1, 20]
    V = sparse.block_diag([np.ones((n, n)) + 4 * np.eye(n) for n in sizes], format="csc")
    drawn = drawings.blocks(V, "V", "", side=330.0)
    found = tiles(parsed(drawn))
    assert sorted(round(width / 10) for *_, width in found) == [5, 7, 20]
    assert {kind for kind, *_ in found} == {"positive tone2"}
    assert len(drawings.blocks(sparse.block_diag([np.ones((17, 17))] * 134), "V", "")) < 8000


def test_blocks_that_do_not_stand_together_are_refused():
    V = np.eye(3)
    V[0, 2] = V[2, 0] = 0.5
    with pytest.raises(ValueError, match="together"):
        drawings.block_spans(sparse.csr_array(V))


def test_an_empty_matrix_has_a_frame():
    assert tiles(parsed(drawings.image(sparse.csc_array((3, 3)), "none", "nothing"))) == []


def test_a_lattice_has_a_panel_a_group_with_its_points_and_least_squares_line():
    x, y = np.tile(np.arange(5.0), 3), np.concatenate([np.arange(5.0), 4 - np.arange(5.0), np.full(5, 2.0)])
    group = np.repeat(["a", "b", "c"], 5).tolist()
    root = parsed(plots.lattice(x, y, group, {"b": (1.0, 0.0)}, **TOLD))
    assert len(list(root.iter("circle"))) == 15
    paths = {kind: [e.get("d") for e in root.iter("path") if e.get("class") == kind] for kind in ("first", "second")}
    assert len(paths["first"]) == 3 and len(paths["second"]) == 1
    rises = [
        np.subtract(*ends[::-1]) for ends in ([float(n) for n in re.findall(r" ([\d.]+)", d)] for d in paths["first"])
    ]
    assert np.sign(rises).tolist() == [-1, 1, 0]
    assert {"a", "b", "c"} <= {e.text for e in root.iter("text")}


def test_a_curve_marks_its_minimum():
    x = np.linspace(0, 4, 41)
    root = parsed(plots.curve(x, (x - 1) ** 2 + 3, (1.0, 3.0), **TOLD))
    (point,) = root.iter("circle")
    (line,) = [e.get("d") for e in root.iter("path") if e.get("class") == "first"]
    points = [tuple(map(float, p.split())) for p in line[1:].split("L")]
    assert (float(point.get("cx")), float(point.get("cy"))) == max(points, key=lambda p: p[1])


def test_contours_lie_where_the_function_has_the_stated_rise():
    x, y = np.linspace(-3, 3, 121), np.linspace(-2, 2, 81)
    z = 10 + x[None, :] ** 2 + y[:, None] ** 2
    root = parsed(plots.contour(x, y, z, rises=(1.0,), minimum=(0.0, 0.0, 10.0), **TOLD))
    axes = plots.Axes((-3.0, 3.0), (-2.0, 2.0))
    (data,) = [e.get("d") for e in root.iter("path") if e.get("class") == "first"]
    points = np.array([[float(v) for v in p.split()] for p in re.split("[ML]", data)[1:]])
    a = (points[:, 0] - axes.left) / axes.width * 6 - 3
    b = 2 - (points[:, 1] - axes.top) / axes.height * 4
    assert np.hypot(a, b) == pytest.approx(np.ones(len(a)), abs=INTERPOLATED)


def test_hostile_names_stay_text():
    lines = {HOSTILE: (0.0, 1.0)}
    told = {"names": (HOSTILE, HOSTILE), "title": HOSTILE, "description": HOSTILE}
    for drawn in (
        drawings.image(np.eye(2), HOSTILE, HOSTILE),
        plots.bundle(lines, (0.0, 1.0), **told),
        plots.lattice([0, 1], [0, 1], [HOSTILE, HOSTILE], lines, **told),
        plots.curve([0, 1], [0, 1], (0, 0), **told),
    ):
        assert "<script" not in drawn
        assert "alert(1)" in "".join(parsed(drawn).itertext())


def test_ticks_are_round_and_within():
    assert ticks(0.11, 0.53).tolist() == pytest.approx([0.2, 0.3, 0.4, 0.5])
    assert [label(t) for t in ticks(-0.25, 0.31, 3)] == ["−0.2", "0", "0.2"]
    assert ticks(3.0, 3.0).tolist() == [3.0]


@pytest.fixture(scope="module")
def fit():
    return fit_of("docs/sleepstudy")


@pytest.mark.parametrize(("k", "direction"), [(0, -1), (0, 1), (1, -1), (1, 1), (2, 1)])
def test_reach_finds_where_the_criterion_has_risen(fit, k, direction):
    theta = fit.optimum.theta.copy()
    theta[k] = reach(fit, k, direction, 5.0)
    risen = criterion(fit.design, solve_at(prepare(fit.design, "gls"), theta), True) - fit.criterion
    assert risen == pytest.approx(5.0, abs=HALVED)


def test_reach_stops_at_the_bound_of_a_variance(fit):
    assert reach(fit, 0, -1, 1e6) == 0.0


def test_cells_are_painted_with_their_signs_and_the_whole_is_numbered():
    rows = ("12..a", ".6f..", "....1", "33333")
    drawn = drawings.cells(rows, (4000, 50), "V", "")
    root = parsed(drawn)
    wanted = [[0 if c == "." else 1 if c.isdigit() else -1 for c in row] for row in rows]
    cell = drawings.LARGEST_CELL
    assert (painted(root, (4, 5), cell) == np.array(wanted)).all()
    assert len(tiles(root)) == 7
    assert "Dimensions: 4,000 × 50" in drawn
    ticks_told = {e.text for e in root.iter("text") if e.get("class") == "tick"}
    assert {"20", "40"} < ticks_told and {"2000", "1000"} & ticks_told


def test_cells_that_nobody_knows_are_left_blank():
    assert tiles(parsed(drawings.cells(("?z1", ""), (2, 3), HOSTILE, HOSTILE)))[0][0] == "positive tone1"
    assert tiles(parsed(drawings.cells((), (0, 0), "Z", ""))) == []


CURVE = {"names": ("theta", "rise"), "title": "T", "description": "D", "bound": None}


def test_every_answer_of_a_curve_stands_where_it_is_and_is_named():
    x = np.linspace(0, 10, 41)
    marks = {"far": (9.0, 64.0), "one": (1.0, 0.0), "two": (1.001, 0.0), "three": (1.0, 1e-9)}
    drawn = landscapes.marked_curve(x, ((x - 1) ** 2).tolist(), marks, **CURVE)
    root = parsed(drawn.svg)
    assert [(spot.letter, spot.names) for spot in drawn.spots] == [("A", ("far",)), ("B", ("one", "two", "three"))]
    points = [(float(e.get("cx")), float(e.get("cy"))) for e in root.iter("circle")]
    assert len(points) == 2 and points[0][0] > points[1][0] and points[0][1] < points[1][1]
    texts = [e.text for e in root.iter("text")]
    assert "A far" in texts and "B 3 engines" in texts
    assert "A: far; B: one, two, three." in root[1].text


def test_a_curve_has_gaps_where_it_is_no_number_and_a_shade_beyond_its_chart():
    y = [3.0, 2.0, None, 1.0, 0.0, None]
    drawn = landscapes.marked_curve(range(6), y, {}, **{**CURVE, "bound": 4.0})
    root = parsed(drawn.svg)
    (line,) = [e.get("d") for e in root.iter("path") if e.get("class") == "first"]
    assert (line.count("M"), line.count("L")) == (2, 2)
    assert [e.get("class") for e in root.iter("path")].count("strip") == 1


def test_contours_lie_at_rises_that_a_surface_has_and_labels_do_not_lie_on_one_another():
    x = y = np.linspace(-4, 4, 21)
    z = [a * a + b * b for b in y for a in x]
    z[0] = None
    marks = {f"e{k}": (0.1 * k, 2.0) for k in range(12)}
    drawn = landscapes.marked_contours(x, y, z, marks, names=("a", "b"), title="T", description="")
    root = parsed(drawn.svg)
    assert sum(e.get("class") == "first" for e in root.iter("path")) == len(landscapes.rises_within(0, 32)) == 6
    sides = {}
    for e in root.iter("text"):
        if e.get("class") == "halo" and e.text[0].isalpha():
            sides.setdefault(e.get("text-anchor"), []).append(float(e.get("y")))
    for heights in sides.values():
        apart = np.diff(sorted(heights))
        assert (apart >= landscapes.LINE_HEIGHT - 0.11).all()


def test_hostile_and_long_names_stay_text_of_bounded_length():
    for name in (HOSTILE, "x" * 300, "\u202eabc", "🙂" * 300):
        drawn = landscapes.marked_curve(
            [0, 1], [0.0, 1.0], {name: (0.0, 0.0)}, bound=None, names=(name, name), title=name, description=name
        )
        texts = [e.text for e in parsed(drawn.svg).iter("text")]
        assert max(map(len, texts)) <= landscapes.LONGEST_AXIS
